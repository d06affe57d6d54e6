import type { FrontendMessage } from "./frontend-messages.ts";

export interface StatementNames {
  /** The message with the name of its prepared statement, if it has one, made this connection's own. */
  scope(message: FrontendMessage): Buffer;
  /** The names that are in use now, as the server knows them. */
  scoped(): readonly string[];
}

/**
 * One server session is shared by all connections, and two of them may prepare different statements under one name.
 * Each connection's names get a prefix of their own. Unnamed statements stay unnamed.
 */
export function statementNames(prefix: string): StatementNames {
  const known = new Set<string>();

  return {
    scope(message) {
      const start = nameStart(message);
      if (start === undefined || message.bytes[start] === 0) {
        return message.bytes;
      }
      const name = prefix + message.bytes.toString("utf8", start, message.bytes.indexOf(0, start));
      if (message.type === "P") {
        known.add(name);
      } else if (message.type === "C") {
        known.delete(name);
      }
      return withPrefix(message.bytes, start, prefix);
    },
    scoped: () => [...known],
  };
}

/** Where the name of a prepared statement begins: Parse, Bind after the portal, Describe and Close of a statement. */
function nameStart({ type, bytes }: FrontendMessage): number | undefined {
  switch (type) {
    case "P":
      return 5;
    case "B":
      return bytes.indexOf(0, 5) + 1;
    case "C":
    case "D":
      return String.fromCharCode(bytes[5] ?? 0) === "S" ? 6 : undefined;
    default:
      return undefined;
  }
}

function withPrefix(bytes: Buffer, at: number, prefix: string): Buffer {
  const renamed = Buffer.concat([bytes.subarray(0, at), Buffer.from(prefix), bytes.subarray(at)]);
  renamed.writeUInt32BE(renamed.length - 1, 1);
  return renamed;
}
