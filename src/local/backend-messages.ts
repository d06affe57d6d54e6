import { cString, int32, wireMessage } from "./wire-message.ts";

/** What a PostgreSQL server sends: the messages that the embedded server's front has to make or to recognise. */

export type TransactionStatus = "I" | "T" | "E";

export const authenticationOk = wireMessage("R", int32(0));

export const cleartextPasswordRequest = wireMessage("R", int32(3));

/** ReadyForQuery outside a transaction. */
export const readyIdle = wireMessage("Z", Buffer.from("I"));

export function parameterStatus(name: string, value: string): Buffer {
  return wireMessage("S", cString(name), cString(value));
}

export function backendKeyData(processId: number, secret: number): Buffer {
  return wireMessage("K", int32(processId), int32(secret));
}

/** Says that only protocol 3.0 is spoken here and which options of the client mean nothing to this server. */
export function negotiateProtocolVersion(unknownOptions: readonly string[]): Buffer {
  return wireMessage("v", int32(196_608), int32(unknownOptions.length), ...unknownOptions.map(cString));
}

export function errorResponse(severity: "ERROR" | "FATAL", code: string, reason: string): Buffer {
  const fields = Object.entries({ S: severity, V: severity, C: code, M: reason });
  return wireMessage("E", ...fields.map(([field, value]) => cString(field + value)), Buffer.from([0]));
}

/**
 * Finds the ReadyForQuery messages in one connection's bytes, wherever the network cut them. Each call gives the
 * transaction status of every one that ended in the chunk.
 */
export function readyForQueryFinder(): (chunk: Uint8Array) => TransactionStatus[] {
  const header = Buffer.alloc(5);
  let headerBytes = 0;
  let bodyBytes = 0;

  return (chunk) => {
    const found: TransactionStatus[] = [];
    let offset = 0;
    while (offset < chunk.length) {
      if (headerBytes < 5) {
        header[headerBytes] = chunk[offset] ?? 0;
        headerBytes += 1;
        offset += 1;
        bodyBytes = headerBytes === 5 ? header.readUInt32BE(1) - 4 : 0;
      } else {
        const taken = Math.min(bodyBytes, chunk.length - offset);
        offset += taken;
        bodyBytes -= taken;
        if (header[0] === readyForQuery && taken > 0) {
          found.push(toStatus(chunk[offset - 1]));
        }
      }
      if (headerBytes === 5 && bodyBytes === 0) {
        headerBytes = 0;
      }
    }
    return found;
  };
}

const readyForQuery = "Z".charCodeAt(0);

function toStatus(byte: number | undefined): TransactionStatus {
  const status = String.fromCharCode(byte ?? 0);
  return status === "T" || status === "E" ? status : "I";
}
