import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { type Line, openLines } from "../../src/cli/transfer/ndjson-lines.ts";

async function linesOf(chunks: readonly Uint8Array[]): Promise<readonly Line[]> {
  const found: Line[] = [];
  for await (const line of openLines("-", { stdin: Readable.from(chunks) }).lines) found.push(line);
  return found;
}

it("wherever the chunks end, lines are the same, with their numbers and places", async () => {
  const bytes = Buffer.from('{"a":"ü€𝄞"}\r\n\n  {"b":2}  \n{"c":3}');
  const expected = [
    { number: 1, text: '{"a":"ü€𝄞"}', endsAt: 19 },
    { number: 3, text: '{"b":2}', endsAt: 32 },
    { number: 4, text: '{"c":3}', endsAt: 39 },
  ];
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
      bytes.subarray(n * size, (n + 1) * size),
    );
    expect(await linesOf(chunks)).toEqual(expected);
  }
});

it("what is not UTF-8 is refused, with its line", async () => {
  await expect(linesOf([Buffer.from("{}\n"), Uint8Array.of(0xff, 0x0a)])).rejects.toThrow("line 2 is not UTF-8");
});
