import { randomBytes } from "node:crypto";
import type { Finding } from "./finding.ts";
import { holdBackend } from "./hold-backend.ts";
import type { Subject, Wire } from "./subject.ts";

/** Does a SET stay with its client, or reach others? onetrip sets nothing for longer than a transaction. */
export async function sessionSettings({ wire }: Subject): Promise<Finding | undefined> {
  if (wire === undefined || wire.mode === "statement" || wire.mode === "unclear") return undefined;
  if (wire.mode !== "transaction") {
    const level = "ok";
    return {
      id: "session-settings",
      level,
      found: "SET lasts for a connection, and is seen by no other",
      data: { leaks: false },
    };
  }
  const leaks = await leaksInPool(wire);
  if (leaks === undefined) {
    return {
      id: "session-settings",
      level: "ok",
      found: "not tried: the pool is busy; onetrip sets none",
      data: { leaks: null },
    };
  }
  if (!leaks) {
    return { id: "session-settings", level: "ok", found: "SET does not outlast a transaction", data: { leaks } };
  }
  return {
    id: "session-settings",
    level: "advice",
    found: "SET reaches other clients; onetrip sets nothing that outlasts a transaction",
    change:
      "in your own statements use set local, or set_config(…, true); defaults belong to the role: alter role … set …",
    data: { leaks },
  };
}

/**
 * Sets a name that nobody else has, looks for it from another connection on the same server process, and clears it there: an
 * empty text is what a setting has that was never there.
 */
async function leaksInPool({ open }: Wire): Promise<boolean | undefined> {
  const mark = randomBytes(8).toString("hex");
  const session = await open();
  try {
    const [row] = await session.query(
      "select pg_backend_pid() as pid, set_config('onetrip.doctor', $1, false) as mark",
      [mark],
    );
    const pid = Number(row?.["pid"]);
    const look = () =>
      holdBackend(open, pid, async (holder) => {
        const [found] = await holder.query("select current_setting('onetrip.doctor', true) as mark");
        await holder.query("select set_config('onetrip.doctor', '', false)");
        return found?.["mark"] === mark;
      });
    // The process may be at work for somebody else at this moment.
    return (await look()) ?? (await look());
  } finally {
    await session.close();
  }
}
