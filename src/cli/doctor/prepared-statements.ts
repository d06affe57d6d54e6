import { randomBytes } from "node:crypto";
import type { Finding } from "./finding.ts";
import { holdBackend } from "./hold-backend.ts";
import { type Session, sqlstateOf } from "./session.ts";
import type { Subject, Wire } from "./subject.ts";

/** Do statements that were prepared by name last? onetrip prepares none; an ORM beside it may. */
export async function preparedStatements({ wire }: Subject): Promise<Finding | undefined> {
  if (wire === undefined || wire.mode === "statement" || wire.mode === "unclear") return undefined;
  const works = wire.mode === "transaction" ? await lastInPool(wire) : await lastInSession(wire);
  if (works === undefined) {
    return {
      id: "prepared-statements",
      level: "ok",
      found: "not tried: the pool is busy; onetrip needs none",
      data: { works: null },
    };
  }
  if (works)
    return { id: "prepared-statements", level: "ok", found: "by name: work; onetrip needs none", data: { works } };
  return {
    id: "prepared-statements",
    level: "advice",
    found: "by name: lost between transactions; onetrip needs none",
    change: "for other clients: PgBouncer 1.21 or newer with max_prepared_statements, or turn them off there",
    data: { works },
  };
}

const STATEMENT = "select pg_backend_pid() as pid";

async function lastInSession({ open }: Wire): Promise<boolean> {
  const session = await open();
  try {
    const name = newName();
    await session.queryPrepared(name, STATEMENT);
    await session.queryPrepared(name, STATEMENT);
    await session.query(`deallocate ${name}`);
    return true;
  } catch (error) {
    if (sqlstateOf(error) === undefined) throw error;
    return false;
  } finally {
    await session.close();
  }
}

/** Executed once more while somebody else holds the process that prepared it; then taken away from there. */
async function lastInPool({ open }: Wire): Promise<boolean | undefined> {
  const session = await open();
  try {
    const name = newName();
    const [row] = await session.queryPrepared(name, STATEMENT);
    return await holdBackend(open, Number(row?.["pid"]), async (holder) => {
      const works = await session.queryPrepared(name, STATEMENT).then(
        () => true,
        (error: unknown) => (sqlstateOf(error) === undefined ? undefined : false),
      );
      await forget(holder, name);
      return works;
    });
  } finally {
    await session.close();
  }
}

/** A pooler that carries prepared statements along gives them names of its own, and clears them away itself. */
async function forget(holder: Session, name: string): Promise<void> {
  const found = await holder.query("select 1 from pg_prepared_statements s where s.name = $1", [name]);
  if (found.length > 0) await holder.query(`deallocate ${name}`);
}

function newName(): string {
  return `onetrip_doctor_${randomBytes(6).toString("hex")}`;
}
