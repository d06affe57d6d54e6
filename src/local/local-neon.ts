import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { PGlite } from "@electric-sql/pglite";
import { connectionUrl, credentialsFrom } from "./credentials.ts";
import { openDatabase } from "./database.ts";
import { databasePools } from "./database-pools.ts";
import { createFaults, type Faults } from "./faults.ts";
import { answerFaultsRoute } from "./faults-route.ts";
import { listen } from "./listen.ts";
import { readBody } from "./read-body.ts";
import { sqlEndpoint } from "./sql-endpoint.ts";
import { websocketEndpoint } from "./websocket-endpoint.ts";

export interface LocalNeonOptions {
  /**
   * A `postgresql://` URL, `pglite:` (in memory) or `pglite:./folder` for the embedded server, or a PGlite that runs
   * already.
   */
  readonly database: string | PGlite;
  /** Default 127.0.0.1. Anything else lets other machines in, with no more than a password to stop them. */
  readonly host?: string | undefined;
  /** Default 0: a free one. */
  readonly port?: number | undefined;
  /**
   * Connections that HTTP requests to one database share; the others wait. Default 10. A WebSocket has one of its own.
   */
  readonly poolSize?: number | undefined;
  /** Larger requests are refused with 413. Default 10 MiB. */
  readonly maxRequestBytes?: number | undefined;
  /** Larger answers are refused with 507; a lone statement has been applied then. Default 10 MiB. */
  readonly maxResponseBytes?: number | undefined;
  /** Delays every answer: a network's round trip. Default 0. */
  readonly latencyMs?: number | undefined;
  /** Lets other processes arm faults, at `/faults`. Default false. */
  readonly controlRoute?: boolean | undefined;
}

export interface LocalNeon {
  /** `postgresql://user:password@127.0.0.1:PORT/db`: what neonHttp() and neonWebsocket() are given. */
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  /** The round trips since the start: HTTP requests, and bursts over WebSockets with an answer after each. */
  readonly flights: { readonly http: number; readonly websocket: number };
  /** Can be changed at any time. */
  latencyMs: number;
  /** Closes connections and what was opened here, not a PGlite that was given. Harmless twice. */
  close(): Promise<void>;
}

/**
 * Speaks Neon's HTTP `/sql` and its WebSocket, on one port, in front of an embedded PGlite or any PostgreSQL server: the
 * unmodified `@neondatabase/serverless` works against it. For development and tests.
 *
 * Over HTTP the user and password must be those of `url`; in front of a server any of its databases may be named. Over a
 * WebSocket all three are the server's affair, with `pipelineConnect: false`; in front of PGlite `"password"` works too. Settings that a statement
 * leaves in its session may meet later ones, as behind Neon's pooler. There are no CORS headers: a browser's page cannot
 * use `/sql`.
 *
 * @example
 * ```ts
 * const local = await startLocalNeon({ database: "pglite:" });
 * neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`;
 * console.log(await neon(local.url)`select 1 as one`);
 * await local.close();
 * ```
 */
export async function startLocalNeon(options: LocalNeonOptions): Promise<LocalNeon> {
  const database = await openDatabase(options.database);
  const credentials = credentialsFrom(database.url.href);
  if (credentials === undefined) {
    throw new TypeError("startLocalNeon: the user, password or database in the URL is not encoded as a URL asks for");
  }
  const faults = createFaults();
  const flights = { http: 0, websocket: 0 };
  let latencyMs = options.latencyMs ?? 0;

  const pools = databasePools(database.url, options.poolSize ?? 10);
  const answerSql = sqlEndpoint({
    pools,
    credentials,
    faults,
    maxRequestBytes: options.maxRequestBytes ?? tenMebibytes,
    maxResponseBytes: options.maxResponseBytes ?? tenMebibytes,
    latencyMs: () => latencyMs,
  });
  const websockets = websocketEndpoint(database.url, {
    faults,
    latencyMs: () => latencyMs,
    onFlight: () => {
      flights.websocket += 1;
    },
  });

  const server = createServer((request, response) => void route(request, response));
  server.on("upgrade", (request, socket, head) => void websockets.upgrade(request, socket, head));
  const address = await listen(server, options).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  let closing: Promise<void> | undefined;

  return {
    url: connectionUrl(credentials, address),
    port: address.port,
    faults,
    flights,
    get latencyMs() {
      return latencyMs;
    },
    set latencyMs(value) {
      latencyMs = value;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split("?", 1)[0];
    if (path === "/sql" && request.method === "POST") {
      flights.http += 1;
      await answerSql(request, response);
    } else if (path === "/faults" && options.controlRoute === true) {
      await controlFaults(request, response);
    } else {
      answerJson(response, path === "/sql" ? 405 : 404, { message: "this endpoint answers POST /sql and WebSockets" });
    }
  }

  async function controlFaults(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const text = await readBody(request, tenMebibytes);
      // A page in a browser can send any other content type without leave.
      const isJson = request.headers["content-type"]?.startsWith("application/json") ?? false;
      const { status, body } = answerFaultsRoute(faults, request.method, isJson ? JSON.parse(text) : undefined);
      answerJson(response, status, body);
    } catch {
      answerJson(response, 400, { message: "the body is not JSON" });
    }
  }

  async function close(): Promise<void> {
    server.close();
    server.closeAllConnections();
    websockets.close();
    await pools.end();
    await database.close();
  }
}

const tenMebibytes = 10 * 1024 * 1024;

function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
