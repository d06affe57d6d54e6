import type { Finding } from "./finding.ts";
import type { PoolMode } from "./pooling.ts";
import type { Subject } from "./subject.ts";

/** Is there a pooler, and in which mode? */
export async function pooler({ wire, transport }: Subject): Promise<Finding> {
  if (wire === undefined) {
    const found =
      transport === "http" ? "none is needed: each statement is a request of its own" : "none: in this process";
    return { id: "pooler", level: "ok", found, data: { mode: null } };
  }
  return { id: "pooler", ...verdicts[wire.mode], data: { mode: wire.mode } };
}

const verdicts: Readonly<Record<PoolMode, Omit<Finding, "id">>> = {
  direct: {
    level: "advice",
    found: "none: each connection is a process of the server",
    change: "for functions that scale out, put PgBouncer in front, in transaction mode",
  },
  transaction: { level: "ok", found: "in transaction mode: a connection holds a server process only while it works" },
  session: {
    level: "warning",
    found: "in session mode: an idle connection keeps its server process",
    change: "set pool_mode = transaction, which is all that onetrip needs",
  },
  statement: {
    level: "failure",
    found: "in statement mode: it refuses transactions, and so every batch and migration",
    change: "set pool_mode = transaction",
  },
  unclear: {
    level: "warning",
    found: "could not be found out: there was no answer to one more connection",
    change: "look for long transactions and a limit of connections; with PgBouncer, at default_pool_size",
  },
};
