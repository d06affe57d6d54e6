import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { CutKind } from "../servers/wire-connection.ts";
import { type Fault, none, only, see } from "./fault.ts";
import type { Ground } from "./ground.ts";

/** What can happen to TCP. */
export const lineFaults: readonly Fault[] = [
  {
    name: "TCP reset",
    inflict: ({ line }, phase) => cut("rst", line, phase),
    cells: {
      connect: see("connection/not-sent", { "neon-http": see("connection/unknown") }),
      "cold batch": see("connection/not-sent", { "neon-http": see("connection/unknown") }),
      idle: see("ok"),
      "at once": see("connection/unknown", { "neon-http": see(["ok", "connection/unknown"]) }),
      query: see("connection/unknown"),
      batch: see("connection/unknown"),
      commit: see("connection/unknown"),
      close: see("closed"),
    },
  },
  {
    name: "half-closed by the server",
    inflict: ({ line }, phase) => cut("fin", line, phase),
    cells: {
      connect: see("connection/not-sent", { "neon-http": see("connection/unknown") }),
      "cold batch": see("connection/not-sent", { "neon-http": see("connection/unknown") }),
      idle: see("ok"),
      "at once": see("connection/unknown", { "neon-http": see(["ok", "connection/unknown"]) }),
      query: see("connection/unknown"),
      batch: see("connection/unknown"),
      commit: see("connection/unknown"),
      close: see("closed"),
    },
  },
  {
    name: "TCP reset during the login",
    inflict: ({ line }) => {
      // Within the first answer, whatever it is.
      line.cut("rst", { afterServerBytes: 5 });
      return () => line.restore();
    },
    cells: only(
      {
        connect: see("connection/not-sent", { "neon-http": none("a request is its own login") }),
        "cold batch": see("connection/not-sent", { "neon-http": none("a request is its own login") }),
      },
      "the login is over",
    ),
  },
  {
    name: "half-closed during the login",
    inflict: ({ line }) => {
      // Within the first answer, whatever it is.
      line.cut("fin", { afterServerBytes: 5 });
      return () => line.restore();
    },
    cells: only(
      {
        connect: see("connection/not-sent", { "neon-http": none("a request is its own login") }),
        "cold batch": see("connection/not-sent", { "neon-http": none("a request is its own login") }),
      },
      "the login is over",
    ),
  },
  {
    name: "black hole",
    inflict: ({ line }) => {
      line.blackhole();
      return () => line.restore();
    },
    cells: {
      connect: see("timeout/not-sent", { "neon-http": see("timeout/unknown") }),
      "cold batch": see("timeout/not-sent", { "neon-http": see("timeout/unknown") }),
      idle: see("timeout/unknown"),
      "at once": none("the same as idle: there is nothing to hear of"),
      query: see("timeout/unknown"),
      batch: see("timeout/unknown"),
      commit: see("timeout/unknown"),
      close: see("closed"),
    },
  },
  {
    name: "connection refused",
    inflict: ({ line }) => {
      line.refuse();
      return () => line.restore();
    },
    cells: only(
      { connect: see("connection/not-sent"), "cold batch": see("connection/not-sent") },
      "a connection that is open is not touched",
    ),
  },
  {
    name: "accepted, then closed",
    inflict: acceptAndClose,
    maxConnections: 1,
    cells: only(
      {
        connect: see("connection/not-sent", { "neon-http": see("connection/unknown") }),
        "cold batch": see("connection/not-sent", { "neon-http": see("connection/unknown") }),
      },
      "a connection that is open is not touched",
    ),
  },
];

/** Before a connection is there, the first bytes that the client sends are its end. */
function cut(kind: CutKind, line: Ground["line"], phase: string) {
  if (phase === "connect" || phase === "cold batch") line.cut(kind, { afterClientBytes: 0 });
  else line.cut(kind);
  return () => line.restore();
}

async function acceptAndClose({ target }: Ground) {
  const server = createServer((socket) =>
    socket
      .on("error", () => undefined)
      .resume()
      .end(),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const before = { ...target };
  Object.assign(target, { port: (server.address() as AddressInfo).port });
  return () => {
    Object.assign(target, before);
    server.close();
  };
}
