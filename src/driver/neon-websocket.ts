import { Client } from "@neondatabase/serverless";
import type { Driver } from "../driver.ts";
import { type Call, DEFAULT_TIMEOUT_MS } from "./call.ts";
import { type Connection, connectionDriver } from "./connection.ts";
import { isLocalHost, parseUrl } from "./connection-parameters.ts";
import { connectionPool } from "./connection-pool.ts";
import { openPgConnection, type PgClient } from "./pg-connection.ts";

export interface NeonWebsocketOptions {
  /** Deadline of a call that names none, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Neon over a WebSocket: one session, used by one call at a time, so that a lone query can never slip into somebody's
 * transaction. Opened by the first call; belongs to one request on the edge.
 *
 * A URL with a local host goes to the local Neon endpoint (`onetrip/local`) on that host and port, unencrypted.
 *
 * @example
 * ```ts
 * const driver = neonWebsocket(env.DATABASE_URL);
 * const rows = await driver.query({ text: "select 1 as one", params: [] });
 * ctx.waitUntil(driver.close());
 * ```
 */
export function neonWebsocket(connectionString: string, options: NeonWebsocketOptions = {}): Driver {
  const host = parseUrl(connectionString).hostname;
  const pool = connectionPool((call) => open(connectionString, isLocalHost(host), call), {
    size: 1,
    // The proxy ends idle sessions after about five minutes; a WebSocket found dead costs a failed call.
    idleTimeoutMs: 60_000,
  });
  return connectionDriver("neon-websocket", pool, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}

async function open(connectionString: string, isLocal: boolean, call: Call): Promise<Connection> {
  const client = new Client(connectionString);
  if (isLocal) useLocalEndpoint(client);
  return openPgConnection(client as unknown as PgClient, call);
}

/** Settings of this one client; the package's global ones are left as they are. */
function useLocalEndpoint(client: Client) {
  client.neonConfig.wsProxy = (host, port) => `${host}:${port}/v2`;
  client.neonConfig.useSecureWebSocket = false;
  client.neonConfig.pipelineTLS = false;
  // A real server behind the endpoint asks for SCRAM, so the password cannot be sent ahead.
  client.neonConfig.pipelineConnect = false;
}
