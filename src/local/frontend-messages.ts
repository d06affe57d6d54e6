/**
 * What a client of PostgreSQL sends, cut into messages (PostgreSQL manual, "Message Formats"). The first packets of a
 * connection have no type byte: they get a name here. All others carry the letter of the protocol.
 */
export interface FrontendMessage {
  readonly type: "ssl-request" | "gss-request" | "cancel-request" | "startup" | (string & {});
  /** The whole message, its header included. */
  readonly bytes: Buffer;
}

/** The peer does not speak this protocol, or sends more than a server accepts. The connection cannot go on. */
export class ProtocolViolation extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtocolViolation";
  }
}

/** Cuts one connection's bytes into messages. What is incomplete waits for the next chunk. */
export function frontendMessages(): (chunk: Uint8Array) => FrontendMessage[] {
  let chunks: Uint8Array[] = [];
  let size = 0;
  let wanted = 1;
  let started = false;

  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size < wanted) {
      return [];
    }
    const buffer = Buffer.concat(chunks, size);
    const messages: FrontendMessage[] = [];
    let offset = 0;
    for (;;) {
      const header = started ? 5 : 8;
      wanted = header;
      if (buffer.length - offset >= header) {
        wanted = started ? typedLength(buffer, offset) : startupLength(buffer, offset);
      }
      if (buffer.length - offset < wanted) {
        break;
      }
      const bytes = buffer.subarray(offset, offset + wanted);
      const type = started ? String.fromCharCode(bytes.readUInt8(0)) : startupType(bytes);
      started ||= type === "startup";
      messages.push({ type, bytes });
      offset += wanted;
    }
    chunks = offset === buffer.length ? [] : [buffer.subarray(offset)];
    size = buffer.length - offset;
    return messages;
  };
}

/** The SQL of a Query or Parse message; `undefined` for all others. */
export function statementText({ type, bytes }: FrontendMessage): string | undefined {
  if (type === "Q") {
    return bytes.toString("utf8", 5, bytes.length - 1);
  }
  if (type === "P") {
    const start = bytes.indexOf(0, 5) + 1;
    return bytes.toString("utf8", start, bytes.indexOf(0, start));
  }
  return undefined;
}

/** The key and value pairs of a startup packet: `user`, `database` and settings. */
export function startupParameters({ bytes }: FrontendMessage): ReadonlyMap<string, string> {
  const words = bytes.toString("utf8", 8).split("\0");
  const parameters = new Map<string, string>();
  for (let index = 0; index + 1 < words.length && words[index] !== ""; index += 2) {
    parameters.set(words[index] ?? "", words[index + 1] ?? "");
  }
  return parameters;
}

const maxStartupBytes = 10_000;
const maxMessageBytes = 0x3fff_ffff;

function startupLength(buffer: Buffer, offset: number): number {
  const length = buffer.readUInt32BE(offset);
  if (length < 8 || length > maxStartupBytes) {
    throw new ProtocolViolation("invalid length of startup packet");
  }
  return length;
}

function typedLength(buffer: Buffer, offset: number): number {
  const length = buffer.readUInt32BE(offset + 1);
  if (length < 4 || length > maxMessageBytes) {
    throw new ProtocolViolation("invalid message length");
  }
  return length + 1;
}

function startupType(bytes: Buffer): FrontendMessage["type"] {
  const code = bytes.readUInt32BE(4);
  switch (code) {
    case 80877102:
      return "cancel-request";
    case 80877103:
      return "ssl-request";
    case 80877104:
      return "gss-request";
  }
  if (code >>> 16 !== 3) {
    throw new ProtocolViolation("unsupported frontend protocol");
  }
  return "startup";
}
