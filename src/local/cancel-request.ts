import { connect } from "node:net";
import type { PoolClient } from "pg";
import { int32 } from "./wire-message.ts";

const cancelRequestCode = 80877102;

/** Asks the server to cancel what a connection runs. There is no answer; when nothing runs, nothing happens. */
export function requestCancel(client: PoolClient, serverUrl: URL): void {
  // pg keeps the two numbers of BackendKeyData on the client, but not in its types.
  const processId: unknown = Reflect.get(client, "processID");
  const secret: unknown = Reflect.get(client, "secretKey");
  if (typeof processId !== "number" || typeof secret !== "number") {
    return;
  }
  const socket = connect(Number(serverUrl.port || 5432), serverUrl.hostname.replace(/^\[|\]$/g, ""));
  socket.on("error", () => socket.destroy());
  socket.end(Buffer.concat([int32(16), int32(cancelRequestCode), int32(processId), int32(secret)]));
}
