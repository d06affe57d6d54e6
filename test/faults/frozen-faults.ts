import { type Fault, none, see } from "./fault.ts";

const SHORT = "for longer than the connection may idle, only an idle one can be found";
const NO_AGE = "how long it may idle cannot be set";

/** What becomes of connections while a process stands still. These run in a process of their own: `frozen.test.ts`. */
export const frozenFaults: readonly Fault[] = [
  {
    name: "frozen while the server closes",
    inflict: ({ line }) => {
      line.cut("fin");
      return () => line.restore();
    },
    cells: {
      connect: none("there is no connection yet"),
      "cold batch": none("there is no connection yet"),
      idle: see("ok"),
      "at once": see(["ok", "connection/unknown"]),
      query: see("connection/unknown"),
      batch: see("connection/unknown"),
      commit: see("connection/unknown"),
      close: see("closed"),
    },
  },
  {
    name: "frozen for too long",
    idleTimeoutMs: 100,
    inflict: ({ line }) => {
      line.cut("fin");
      return () => line.restore();
    },
    cells: {
      connect: none(SHORT),
      "cold batch": none(SHORT),
      idle: none(SHORT),
      "at once": see("ok", { "neon-http": none(NO_AGE), "neon-websocket": none(NO_AGE) }),
      query: none(SHORT),
      batch: none(SHORT),
      commit: none(SHORT),
      close: none(SHORT),
    },
  },
];
