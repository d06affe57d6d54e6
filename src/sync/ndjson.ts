import { type ByteStream, bodyPieces } from "../web/body-text.ts";
import type { ChangePage } from "./replica.ts";

/** About how much is written at once. */
const PIECE_LENGTH = 32 * 1024;

/** A page line by line: a change each, and a last line with `end: true` and the rest of the page. */
export function ndjsonStream({ changes, ...rest }: ChangePage): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      let piece = "";
      while (next < changes.length && piece.length < PIECE_LENGTH) piece += `${JSON.stringify(changes[next++])}\n`;
      if (next === changes.length) piece += `${JSON.stringify({ end: true, ...rest })}\n`;
      controller.enqueue(encoder.encode(piece));
      if (next === changes.length) controller.close();
    },
  });
}

/**
 * The page that was written so. Undefined when its end line is missing, or something follows it: such a page was cut and is to
 * be thrown away. What is in the lines is for the caller to check.
 *
 * Fails as the body does, and with `SyntaxError` for a line that is not JSON.
 */
export async function readNdjson(body: ByteStream, maxBytes: number): Promise<object | undefined> {
  const changes: unknown[] = [];
  let end: object | undefined;
  for await (const line of lines(body, maxBytes)) {
    if (line === undefined || end !== undefined) return undefined;
    const value: unknown = JSON.parse(line);
    if (isEnd(value)) end = value;
    else changes.push(value);
  }
  return end && { ...end, changes };
}

/** Undefined, and then nothing more, when the body passes `maxBytes`. */
async function* lines(body: ByteStream, maxBytes: number): AsyncGenerator<string | undefined, void> {
  let open = "";
  for await (const piece of bodyPieces(body, maxBytes)) {
    if (piece === undefined) {
      yield undefined;
      return;
    }
    const [first = "", ...rest] = piece.split("\n");
    open += first;
    for (const next of rest) {
      if (open !== "") yield open;
      open = next;
    }
  }
  if (open !== "") yield open;
}

function isEnd(value: unknown): value is object {
  return typeof value === "object" && value !== null && "end" in value && value.end === true;
}
