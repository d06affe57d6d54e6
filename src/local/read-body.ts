import type { IncomingMessage } from "node:http";
import { SqlRefusal } from "./sql-refusal.ts";

/** The text of a request. More than `maxBytes` is refused with 413, once all of it was sent and thrown away. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      chunks.length = 0;
    } else {
      chunks.push(chunk);
    }
  }
  if (bytes > maxBytes) {
    throw new SqlRefusal(413, `request is too large (max is ${maxBytes} bytes)`);
  }
  return Buffer.concat(chunks, bytes).toString("utf8");
}
