import { type Cell, type Fault, none, only, type Phase, see } from "./fault.ts";

/** What a pooler, or what stands in for one, does to its clients. */
export const poolerFaults: readonly Fault[] = [
  {
    name: "PgBouncer killed",
    setting: { pooler: {} },
    inflict({ pooler }) {
      pooler?.kill("SIGKILL");
      return () => pooler?.replace();
    },
    cells: behindPgBouncer({
      connect: see("connection/not-sent"),
      "cold batch": see("connection/not-sent"),
      idle: see("connection/not-sent"),
      "at once": see(["connection/unknown", "connection/not-sent"]),
      query: see("connection/unknown"),
      batch: see("connection/unknown"),
      commit: see("connection/unknown"),
      close: see("closed"),
    }),
  },
  {
    name: "PgBouncer restarted",
    setting: { pooler: {} },
    async inflict({ pooler }) {
      pooler?.kill("SIGKILL");
      await pooler?.replace();
      return () => undefined;
    },
    cells: behindPgBouncer({
      connect: see("ok"),
      "cold batch": see("ok"),
      idle: see("ok"),
      "at once": none("everybody has heard of it by the time it is up again"),
      query: see("connection/unknown"),
      batch: see("connection/unknown"),
      commit: see("connection/unknown"),
      close: see("closed"),
    }),
  },
  {
    name: "PgBouncer stopped (SIGSTOP)",
    setting: { pooler: {} },
    inflict({ pooler }) {
      pooler?.kill("SIGSTOP");
      return () => pooler?.kill("SIGCONT");
    },
    cells: behindPgBouncer({
      connect: see("timeout/not-sent"),
      "cold batch": see("timeout/not-sent"),
      idle: see("timeout/unknown"),
      "at once": none("the same as idle: there is nothing to hear of"),
      query: see("timeout/unknown"),
      batch: see("timeout/unknown"),
      commit: see("timeout/unknown"),
      close: see("closed"),
    }),
  },
  {
    name: "PgBouncer paused (PAUSE)",
    setting: { pooler: {} },
    async inflict({ pooler }) {
      await pooler?.command("pause");
      return () => pooler?.command("resume");
    },
    cells: behindPgBouncer({
      connect: see("timeout/not-sent"),
      "cold batch": see("timeout/not-sent"),
      idle: see("timeout/unknown"),
      "at once": none("the same as idle: there is nothing to hear of"),
      query: none("PAUSE waits for what is under way"),
      batch: none("PAUSE waits for what is under way"),
      commit: none("PAUSE waits for what is under way"),
      close: see("closed"),
    }),
  },
  {
    name: "PgBouncer takes no more clients",
    setting: { pooler: { max_client_conn: 1 } },
    async inflict({ pooler }) {
      const client = await pooler?.occupy();
      return () => client?.end();
    },
    cells: only(
      {
        connect: atPgBouncer(see("connection/not-sent")),
        "cold batch": atPgBouncer(see("connection/not-sent")),
      },
      "a client that is connected has its place",
    ),
  },
  {
    name: "PgBouncer's query_wait_timeout",
    setting: { pooler: { default_pool_size: 1, query_wait_timeout: 0.1 } },
    async inflict({ pooler }) {
      const client = await pooler?.occupy();
      await client?.query("begin");
      return () => client?.end();
    },
    cells: only(
      {
        connect: atPgBouncer(see("connection/not-sent")),
        "cold batch": atPgBouncer(see("connection/not-sent")),
        idle: atPgBouncer(see("connection/not-sent")),
      },
      "it is the same for every call that waits for a server",
    ),
  },
  {
    name: "server behind refuses",
    setting: { pooler: { server_login_retry: 0.1 } },
    inflict({ behind, pooler }) {
      behind.refuse();
      behind.cut("rst");
      return async () => {
        await behind.restore();
        await pooler?.untilServing();
      };
    },
    cells: {
      connect: unreached(["timeout/not-sent", "connection/not-sent"]),
      "cold batch": unreached(["timeout/not-sent", "connection/not-sent"]),
      idle: unreached(["timeout/unknown", "connection/not-sent"]),
      "at once": none("a race between the pooler and the reset"),
      query: inFront(see("connection/unknown")),
      batch: inFront(see("connection/unknown")),
      commit: inFront(see("connection/unknown")),
      close: inFront(see("closed")),
    },
  },
];

function behindPgBouncer(cells: Readonly<Record<Phase, Cell>>): Readonly<Record<Phase, Cell>> {
  const entries = Object.entries(cells).map(([phase, cell]) => [phase, atPgBouncer(cell)] as const);
  return Object.fromEntries(entries) as Record<Phase, Cell>;
}

function atPgBouncer(cell: Cell): Cell {
  return none("there is no PgBouncer", { pgbouncer: cell });
}

/** PgBouncer lets its clients wait, or tells them at once: it depends on whether it has failed before. */
function unreached(throughPgBouncer: readonly string[]): Cell {
  const except = { "neon-http": see("connection/rejected"), pgbouncer: see(throughPgBouncer) };
  return inFront(see("connection/not-sent", except));
}

function inFront(cell: Cell): Cell {
  return { ...cell, except: { direct: none("there is nothing in between"), ...cell.except } };
}
