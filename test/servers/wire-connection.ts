import { connect, type Socket } from "node:net";

export type Side = "client" | "server";

/** How a connection ends: in order, or by a reset. */
export type CutKind = "fin" | "rst";

/** One client's connection through a wire proxy, and the one behind it. */
export interface WireConnection {
  cut(kind: CutKind): void;
  hold(): void;
  release(): void;
  destroy(): Promise<void>;
}

export interface WireConnectionOptions {
  readonly upstream: { readonly host: string; readonly port: number };
  readonly delayMs: number;
  /** Whether the connection begins held. */
  readonly holding: boolean;
  readonly onFlight: () => void;
  /** Asked before bytes go on: `undefined` lets all of them pass, else this many, and then the connection is cut. */
  readonly limit: (from: Side, bytes: number) => { readonly pass: number; readonly kind: CutKind } | undefined;
  /** What goes on in place of what a client sent. */
  readonly rewritten: (chunk: Buffer) => Buffer;
  readonly onClosed: () => void;
}

/** Opens the connection behind `client` and passes bytes, ends and resets on in both directions. */
export function relayConnection(client: Socket, options: WireConnectionOptions): WireConnection {
  const upstream = connect({ ...options.upstream, allowHalfOpen: true, noDelay: true });
  const delayed: { readonly dueAt: number; readonly chunk: Buffer | "end" }[] = [];
  let lastHeard: Side = "server";
  let held = options.holding;
  let over = false;
  let timer: NodeJS.Timeout | undefined;

  function forward(from: Side, chunk: Buffer): void {
    const to = from === "client" ? upstream : client;
    const limited = options.limit(from, chunk.length);
    if (limited === undefined) {
      to.write(chunk);
      return;
    }
    over = true;
    // The callback comes when the system has taken the bytes, so that a reset does not overtake them.
    to.write(chunk.subarray(0, limited.pass), () => end(limited.kind));
  }

  function deliver(): void {
    clearTimeout(timer);
    while (!held && !over) {
      const next = delayed[0];
      if (next === undefined) return;
      const waitMs = next.dueAt - performance.now();
      if (waitMs > 0) {
        timer = setTimeout(deliver, Math.ceil(waitMs));
        return;
      }
      delayed.shift();
      if (next.chunk === "end") client.end();
      else {
        lastHeard = "server";
        forward("server", next.chunk);
      }
    }
  }

  function fromServer(chunk: Buffer | "end"): void {
    if (over) return;
    delayed.push({ dueAt: performance.now() + options.delayMs, chunk });
    deliver();
  }

  function end(kind: CutKind): void {
    over = true;
    clearTimeout(timer);
    for (const socket of [client, upstream]) {
      if (kind === "rst") reset(socket);
      // What still comes in is read and dropped: closing with unread bytes would send a reset.
      else socket.resume().end();
    }
  }

  client.on("data", (chunk) => {
    if (over) return;
    if (lastHeard === "server") options.onFlight();
    lastHeard = "client";
    forward("client", options.rewritten(chunk));
  });
  client.on("end", () => upstream.end());
  client.on("error", () => reset(upstream));
  client.on("close", () => {
    options.onClosed();
    over = true;
    clearTimeout(timer);
    if (!upstream.writableEnded) upstream.destroy();
  });
  upstream.on("data", fromServer);
  upstream.on("end", () => fromServer("end"));
  upstream.on("error", () => reset(client));
  if (held) for (const socket of [client, upstream]) socket.pause();

  return {
    cut: end,
    hold() {
      held = true;
      for (const socket of [client, upstream]) socket.pause();
    },
    release() {
      held = false;
      for (const socket of [client, upstream]) socket.resume();
      deliver();
    },
    async destroy() {
      over = true;
      clearTimeout(timer);
      await Promise.all([client, upstream].map((socket) => destroyed(socket)));
    },
  };
}

function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

function destroyed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once("close", () => resolve()).destroy();
  });
}
