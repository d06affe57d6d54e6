import { createReadStream, statSync } from "node:fs";
import { InputError } from "../command-errors.ts";
import type { Terminal } from "../terminal.ts";

/** A line of a file that is no blank one. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** Bytes of the file up to its end. */
  readonly endsAt: number;
}

export interface LineSource {
  readonly lines: AsyncIterable<Line>;
  /** Undefined for a pipe. */
  readonly totalBytes: number | undefined;
}

/**
 * @param file a path, or `-` for stdin
 * @throws InputError when it cannot be read; also while it is being read
 */
export function openLines(file: string, { stdin }: Pick<Terminal, "stdin">): LineSource {
  if (file === "-") return { lines: linesOf(stdin), totalBytes: undefined };
  const size = sizeOf(file);
  return { lines: linesOf(createReadStream(file, { highWaterMark: 256 * 1024 })), totalBytes: size };
}

function sizeOf(file: string): number {
  try {
    const stats = statSync(file);
    if (stats.isFile()) return stats.size;
  } catch (cause) {
    throw new InputError(`${file} cannot be read`, { next: "check the path", cause });
  }
  throw new InputError(`${file} is not a file`, { next: "give a file of NDJSON, or - for stdin" });
}

async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<Line> {
  // Bytes are split before they are decoded: a character of several bytes may lie across two chunks.
  let rest: Buffer = Buffer.alloc(0);
  let endsAt = 0;
  let number = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.concat([rest, Buffer.from(chunk)]);
    let from = 0;
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, from)) {
      endsAt += end + 1 - from;
      number += 1;
      const text = decode(bytes.subarray(from, end), number);
      from = end + 1;
      if (text !== "") yield { number, text, endsAt };
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE_BYTES) {
      throw new InputError(
        `line ${number + 1} is longer than ${MAX_LINE_BYTES} bytes; is it NDJSON, one object a line?`,
      );
    }
  }
  const text = decode(rest, number + 1);
  if (text !== "") yield { number: number + 1, text, endsAt: endsAt + rest.length };
}

const newline = 0x0a;

/** Far more than a value may have. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

function decode(bytes: Buffer, number: number): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
  } catch (cause) {
    throw new InputError(`line ${number} is not UTF-8`, { cause });
  }
}
