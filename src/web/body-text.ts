/** The body of a request or of an answer. */
export type ByteStream = ReadableStream<Uint8Array> | null;

/**
 * The whole of a body. Undefined when it is larger than `maxBytes`: what is left of it is not read.
 *
 * Fails as the stream does, and with a `TypeError` for what is not UTF-8.
 */
export async function bodyText(body: ByteStream, maxBytes: number): Promise<string | undefined> {
  let text = "";
  for await (const piece of bodyPieces(body, maxBytes)) {
    if (piece === undefined) return undefined;
    text += piece;
  }
  return text;
}

/** A body as it comes, never cut inside a character. Undefined, and then nothing more, when it passes `maxBytes`. */
export async function* bodyPieces(body: ByteStream, maxBytes: number): AsyncGenerator<string | undefined, void> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let isRead = false;
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > maxBytes) {
        yield undefined;
        return;
      }
      yield decoder.decode(value, { stream: true });
    }
    isRead = true;
    yield decoder.decode();
  } finally {
    // Whoever stops in the middle has no use for the rest: the connection is given up, not read to its end.
    if (!isRead) await reader.cancel().catch(() => undefined);
  }
}
