import { type Fault, none, only, see } from "./fault.ts";

/** What a PostgreSQL server does to its clients. */
export const serverFaults: readonly Fault[] = [
  {
    name: "backend terminated",
    setting: { pooler: {} },
    async inflict({ ledger, backend }) {
      await ledger.run("select pg_terminate_backend($1::text::int4, 5000)", [String(backend)]);
      return () => undefined;
    },
    cells: {
      connect: none("there is no backend yet"),
      "cold batch": none("there is no backend yet"),
      idle: see("ok"),
      "at once": none("the server tells of it before it is done"),
      query: see("connection/unknown"),
      batch: see("connection/unknown"),
      commit: see("connection/unknown"),
      close: see("closed"),
    },
  },
  {
    name: "too many connections (53300)",
    setting: { limitedRole: true, pooler: { server_login_retry: 0.1 } },
    inflict:
      ({ ledger, role }) =>
      () =>
        ledger.run(`alter role ${role} connection limit -1`),
    cells: only(
      {
        connect: see("connection/not-sent", { "neon-http": see("connection/rejected") }),
        "cold batch": see("connection/not-sent", { "neon-http": see("connection/rejected") }),
      },
      "a connection that is open has its place",
    ),
  },
];
