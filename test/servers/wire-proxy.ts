import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { type CutKind, relayConnection, type Side, type WireConnection } from "./wire-connection.ts";

export interface WireProxyOptions {
  readonly upstream: { readonly host: string; readonly port: number };
  /** How long everything from the server is held back on its way to the client. Default 0. */
  readonly delayMs?: number;
}

/** Where a cut falls: right after this many bytes, counted over all connections from the call of `cut` on. */
export type CutPoint = { readonly afterClientBytes: number } | { readonly afterServerBytes: number };

/**
 * A TCP proxy in front of one server, for counting round trips and for breaking the network.
 *
 * A **flight** is a burst from client to server: it begins with the first byte that a client sends after it was last
 * given bytes of the server, or at all on this connection, and ends when it is given some. A client that sends without
 * waiting for an answer makes one flight of it, however many packets there are, as long as it is done within `delayMs`;
 * one that waits makes another. Flights are added up over all connections; TCP's own handshake is not one. The proxy
 * does not look at the bytes, so the same holds for Postgres, HTTP with keep-alive, WebSockets and TLS.
 *
 * What is on its way is kept in memory without a limit.
 */
export interface WireProxy {
  readonly host: string;
  readonly port: number;
  /** The same URL with the proxy's host and port. */
  url(upstreamUrl: string): string;
  /** Flights since the start or the last `reset`. */
  flights(): number;
  /** Connections accepted since the start or the last `reset`. */
  accepted(): number;
  /** Connections cut since the start or the last `reset`. */
  cuts(): number;
  /** Connections open now. */
  connections(): number;
  /** Sets the counters to zero. Faults stay. */
  reset(): void;
  /**
   * Ends connections on both sides, with FIN or RST. Without a point: all open ones, now. With a point: once, the
   * connection that carries the byte after which to cut, which is the last one to pass; 0 cuts as soon as that side
   * sends. A later call replaces a cut that has not happened.
   */
  cut(kind: CutKind, point?: CutPoint): void;
  /** Lets nothing pass any more, on any connection, new ones included; nobody is told. */
  blackhole(): void;
  /** The same for the connections that are open, and for good: `restore` leaves them as they are. New ones work. */
  strand(): void;
  /** From now on puts another text of the same length for one that clients send in one piece. */
  rewrite(text: string, by: string): void;
  /** Refuses new connections (ECONNREFUSED). Open ones stay. */
  refuse(): void;
  /**
   * Ends `blackhole`, `refuse` and a cut that has not happened. What a black hole has held back is delivered then, as
   * TCP does after an outage, even when its sender has gone in the meantime.
   */
  restore(): Promise<void>;
  /** Ends everything. Harmless twice. */
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startWireProxy(options: WireProxyOptions): Promise<WireProxy> {
  const open = new Set<WireConnection>();
  const counts = { flights: 0, accepted: 0, cuts: 0 };
  let holding = false;
  let pendingCut: { readonly kind: CutKind; readonly from: Side; bytesLeft: number } | undefined;
  const rewrites = new Map<string, string>();
  const stranded = new Set<WireConnection>();
  let listener: Server | undefined = await listen(0);
  const { port } = listener.address() as AddressInfo;

  async function listen(onPort: number): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      counts.accepted++;
      const connection = relayConnection(client, {
        upstream: options.upstream,
        delayMs: options.delayMs ?? 0,
        holding,
        onFlight: () => counts.flights++,
        limit,
        rewritten,
        onClosed: () => open.delete(connection),
      });
      open.add(connection);
    });
    server.listen(onPort, "127.0.0.1");
    await once(server, "listening");
    return server;
  }

  function limit(from: Side, bytes: number): { readonly pass: number; readonly kind: CutKind } | undefined {
    if (pendingCut?.from !== from) return undefined;
    const { kind, bytesLeft } = pendingCut;
    if (bytes < bytesLeft) {
      pendingCut.bytesLeft -= bytes;
      return undefined;
    }
    pendingCut = undefined;
    counts.cuts++;
    return { pass: bytesLeft, kind };
  }

  function rewritten(chunk: Buffer): Buffer {
    let text = chunk.toString("latin1");
    for (const [from, to] of rewrites) text = text.replaceAll(from, to);
    return rewrites.size === 0 ? chunk : Buffer.from(text, "latin1");
  }

  return {
    host: "127.0.0.1",
    port,
    url(upstreamUrl) {
      const url = new URL(upstreamUrl);
      url.hostname = "127.0.0.1";
      url.port = String(port);
      return url.href;
    },
    flights: () => counts.flights,
    accepted: () => counts.accepted,
    cuts: () => counts.cuts,
    connections: () => open.size,
    reset() {
      Object.assign(counts, { flights: 0, accepted: 0, cuts: 0 });
    },
    cut(kind, point) {
      if (point !== undefined) {
        const [from, bytesLeft] =
          "afterClientBytes" in point
            ? (["client", point.afterClientBytes] as const)
            : (["server", point.afterServerBytes] as const);
        pendingCut = { kind, from, bytesLeft };
        return;
      }
      counts.cuts += open.size;
      for (const connection of open) connection.cut(kind);
    },
    blackhole() {
      holding = true;
      for (const connection of open) connection.hold();
    },
    strand() {
      for (const connection of open) {
        stranded.add(connection);
        connection.hold();
      }
    },
    rewrite(text, by) {
      if (text.length !== by.length) throw new RangeError("a message's length would no longer be true");
      rewrites.set(text, by);
    },
    refuse() {
      listener?.close();
      listener = undefined;
    },
    async restore() {
      pendingCut = undefined;
      holding = false;
      for (const connection of open) if (!stranded.has(connection)) connection.release();
      listener ??= await listen(port);
    },
    async close() {
      listener?.close();
      listener = undefined;
      await Promise.all([...open].map((connection) => connection.destroy()));
    },
  };
}
