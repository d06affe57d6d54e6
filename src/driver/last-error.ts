import type { ServerErrorFields } from "./server-error.ts";

/** Listens to what a server sends, and keeps the errors that no ReadyForQuery has followed yet. */
export interface ErrorListener {
  hear(chunk: Uint8Array): void;
  lastError(): ServerErrorFields | undefined;
  /** A pooler tells of the session's end after the server has told why. */
  lastErrors(): readonly ServerErrorFields[];
}

/** An error is longer than this only when it quotes what was sent. */
const MAX_BYTES = 8_192;

const ERROR_RESPONSE = 0x45;
const READY_FOR_QUERY = 0x5a;

/** For one connection, from the first byte of its session on, wherever the network cuts its messages. */
export function errorListener(): ErrorListener {
  const header = new Uint8Array(5);
  let headerBytes = 0;
  let bodyLeft = 0;
  let body: number[] = [];
  let last: ServerErrorFields[] = [];

  function endMessage() {
    if (header[0] === ERROR_RESPONSE) last.push(toFields(Uint8Array.from(body)));
    if (header[0] === READY_FOR_QUERY) last = [];
    headerBytes = 0;
    body = [];
  }

  function hear(chunk: Uint8Array) {
    let at = 0;
    while (at < chunk.length) {
      if (headerBytes < header.length) {
        header[headerBytes++] = chunk[at++] ?? 0;
        if (headerBytes < header.length) continue;
        bodyLeft = new DataView(header.buffer).getUint32(1) - 4;
      }
      const taken = Math.min(bodyLeft, chunk.length - at);
      if (header[0] === ERROR_RESPONSE && body.length < MAX_BYTES) body.push(...chunk.subarray(at, at + taken));
      at += taken;
      bodyLeft -= taken;
      if (bodyLeft === 0) endMessage();
    }
  }

  return { hear, lastError: () => last.at(-1), lastErrors: () => last };
}

/** Each field is a letter and a text that ends with a zero. */
function toFields(body: Uint8Array): ServerErrorFields {
  const texts = new Map<string, string>();
  for (const field of new TextDecoder().decode(body).split("\0")) texts.set(field.slice(0, 1), field.slice(1));
  return {
    // PgBouncer sends only the one that may be translated.
    severity: texts.get("V") ?? texts.get("S"),
    code: texts.get("C"),
    message: texts.get("M"),
    detail: texts.get("D"),
    schema: texts.get("s"),
    table: texts.get("t"),
    column: texts.get("c"),
    dataType: texts.get("d"),
    constraint: texts.get("n"),
    routine: texts.get("R"),
  };
}
