import { type NeonQueryFunction, neon, neonConfig, Pool } from "@neondatabase/serverless";
import { WebSocket } from "ws";

/** The unmodified driver over HTTP, pointed at an endpoint on this machine. */
export function neonOverHttp(url: string): NeonQueryFunction<false, false> {
  neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`;
  return neon(url);
}

/** The unmodified driver over a WebSocket, with one connection. */
export function neonOverWebsocket(url: string): Pool {
  neonConfig.wsProxy = (host, port) => `${host}:${port}/v2`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.pipelineConnect = false;
  neonConfig.pipelineTLS = false;
  neonConfig.webSocketConstructor = WebSocket;
  const pool = new Pool({ connectionString: url, max: 1 });
  pool.on("error", () => undefined);
  return pool;
}

/** A request as the driver makes it, for what the driver does not let one say. */
export async function postSql(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const { hostname, port } = new URL(url);
  return await fetch(`http://${hostname}:${port}/sql`, {
    method: "POST",
    headers: { "Neon-Connection-String": url, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}
