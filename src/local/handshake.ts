import {
  authenticationOk,
  backendKeyData,
  cleartextPasswordRequest,
  errorResponse,
  negotiateProtocolVersion,
  parameterStatus,
  readyIdle,
} from "./backend-messages.ts";
import { type Credentials, type Refusal, refusal } from "./credentials.ts";
import { type FrontendMessage, startupParameters } from "./frontend-messages.ts";

/** How a server greets: who may enter, what it says of itself, and the key that cancels this connection's waiting. */
export interface Greeting {
  readonly credentials: Credentials;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly key: CancelKey;
}

export interface CancelKey {
  readonly processId: number;
  readonly secret: number;
}

export type HandshakeStep =
  | { readonly kind: "reply"; readonly bytes: Buffer }
  | { readonly kind: "open"; readonly bytes: Buffer }
  | { readonly kind: "refused"; readonly bytes: Buffer }
  | { readonly kind: "cancel"; readonly key: CancelKey };

/**
 * The server's half of the start of a connection: no TLS, a cleartext password, then the session. A client may send its
 * password before it is asked for.
 */
export function handshake(greeting: Greeting): (message: FrontendMessage) => HandshakeStep {
  let user = "";
  let database = "";

  return (message) => {
    switch (message.type) {
      case "ssl-request":
      case "gss-request":
        return { kind: "reply", bytes: Buffer.from("N") };
      case "cancel-request":
        return {
          kind: "cancel",
          key: { processId: message.bytes.readInt32BE(8), secret: message.bytes.readInt32BE(12) },
        };
      case "startup": {
        const parameters = startupParameters(message);
        user = parameters.get("user") ?? "";
        database = parameters.get("database") ?? user;
        const unknown = [...parameters.keys()].filter((name) => name.startsWith("_pq_."));
        const newer = message.bytes.readUInt16BE(6) > 0 || unknown.length > 0;
        const negotiation = newer ? [negotiateProtocolVersion(unknown)] : [];
        return { kind: "reply", bytes: Buffer.concat([...negotiation, cleartextPasswordRequest]) };
      }
      case "p": {
        const password = message.bytes.toString("utf8", 5, message.bytes.length - 1);
        const refused =
          refusal(greeting.credentials, { user, password, database }) ?? wrongDatabase(greeting.credentials, database);
        return refused
          ? { kind: "refused", bytes: errorResponse("FATAL", refused.code, refused.message) }
          : { kind: "open", bytes: welcome(greeting) };
      }
      default:
        return { kind: "refused", bytes: errorResponse("FATAL", "08P01", "expected a password message") };
    }
  };
}

function wrongDatabase(expected: Credentials, database: string): Refusal | undefined {
  return database === expected.database
    ? undefined
    : { code: "3D000", message: `database "${database}" does not exist` };
}

function welcome({ parameters, key }: Greeting): Buffer {
  const settings = parameters.map(([name, value]) => parameterStatus(name, value));
  return Buffer.concat([authenticationOk, ...settings, backendKeyData(key.processId, key.secret), readyIdle]);
}
