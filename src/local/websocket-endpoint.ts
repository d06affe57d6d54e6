import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { errorResponse } from "./backend-messages.ts";
import { latency } from "./latency.ts";
import { openUpstream } from "./upstream.ts";
import { pipeWebsocket, type WebsocketPipeOptions } from "./websocket-pipe.ts";

export interface WebsocketEndpoint {
  /** For the `upgrade` event of an HTTP server; any path will do. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  close(): void;
}

/** Gives each WebSocket a connection of its own to the database. The authentication is the database's. */
export function websocketEndpoint(databaseUrl: URL, options: WebsocketPipeOptions): WebsocketEndpoint {
  const server = new WebSocketServer({ noServer: true });

  return {
    async upgrade(request, socket, head) {
      socket.on("error", () => socket.destroy());
      if (!fromThisMachine(request.headers.origin)) {
        socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n");
        return;
      }
      options.onFlight();
      await latency(options.latencyMs());
      server.handleUpgrade(request, socket, head, (client) => void connect(client));
    },
    close() {
      for (const client of server.clients) {
        client.terminate();
      }
      server.close();
    },
  };

  async function connect(client: WebSocket): Promise<void> {
    client.on("error", () => client.terminate());
    client.pause();
    try {
      pipeWebsocket(client, await openUpstream(databaseUrl), options);
      client.resume();
    } catch {
      client.send(errorResponse("FATAL", "08006", "Couldn't connect to compute node"));
      client.close(1011, "the database cannot be reached");
      // One that is paused would not hear that the client closes too.
      client.resume();
    }
  }
}

/** A page from elsewhere must not reach a developer's database through the browser, which asks nobody for leave. */
function fromThisMachine(origin: string | undefined): boolean {
  return origin === undefined || (URL.canParse(origin) && isLocal(new URL(origin).hostname));
}

function isLocal(hostname: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname) || /\.(localhost|localtest\.me)$/.test(hostname);
}
