import { backendPid } from "./pooling.ts";
import type { OpenSession, Session } from "./session.ts";

/**
 * Calls `use` with a transaction on one server process of a pool, to look there at what was left, and to clear it away. The
 * transaction is committed after it. Sessions that got another process are held meanwhile, so that each attempt gets a new one.
 *
 * @returns undefined when the process did not come up: others are using it
 */
export async function holdBackend<T>(
  open: OpenSession,
  pid: number,
  use: (session: Session) => Promise<T>,
): Promise<T | undefined> {
  const held: Session[] = [];
  try {
    while (held.length < MAX_HELD) {
      const session = await open();
      held.push(session);
      await session.query("begin");
      if ((await backendPid(session)) !== pid) continue;
      const result = await use(session);
      await session.query("commit");
      return result;
    }
    return undefined;
  } finally {
    await Promise.all(held.map((session) => session.close()));
  }
}

/** A small part of any pool. */
const MAX_HELD = 4;
