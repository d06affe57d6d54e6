import { type OpenSession, type Session, sqlstateOf } from "./session.ts";

/**
 * Who a client's statements go to.
 *
 * | mode | |
 * |---|---|
 * | `direct` | one server process for the connection's life, the one that was announced |
 * | `session` | a pooler in between; one process for the connection's life |
 * | `transaction` | a pooler in between; any process, for a transaction each |
 * | `statement` | a pooler in between that refuses transactions |
 * | `unclear` | no more connections could be had: a pool, or the server, is full |
 */
export type PoolMode = "direct" | "session" | "transaction" | "statement" | "unclear";

/**
 * Finds out by behaviour: a server announces the process that then answers, a pooler a number of its own. And when a second
 * client holds a transaction open, a pooler in transaction mode has to answer the first one from elsewhere. Nothing is written.
 */
export async function poolMode(open: OpenSession): Promise<PoolMode> {
  const first = await open();
  try {
    const pid = await backendPid(first);
    if (pid === first.announcedPid) return "direct";
    return await modeOfPooler(first, pid, open);
  } finally {
    await first.close();
  }
}

async function modeOfPooler(first: Session, pid: number, open: OpenSession): Promise<PoolMode> {
  let second: Session | undefined;
  try {
    second = await open();
    await second.query("begin");
    if ((await backendPid(second)) === pid) return "transaction";
    for (let attempt = 0; attempt < 3; attempt++) {
      if ((await backendPid(first)) !== pid) return "transaction";
    }
    return "session";
  } catch (error) {
    const isRefused = /transaction blocks not allowed/i.test(error instanceof Error ? error.message : "");
    if (isRefused) return "statement";
    if (sqlstateOf(error) === undefined || sqlstateOf(error) === "08P01") return "unclear";
    throw error;
  } finally {
    await second?.close();
  }
}

/** The server process that answers. */
export async function backendPid(session: Session): Promise<number> {
  const [row] = await session.query("select pg_backend_pid() as pid");
  return Number(row?.["pid"]);
}
