import { bounded, type Call } from "../driver/call.ts";
import type { CallOptions, Driver, Row } from "../driver.ts";
import { PersistError } from "../errors.ts";
import type { Migration } from "./migration.ts";
import { CHECKSUM_MISMATCH, migrationPlan } from "./plan.ts";
import type { SchemaNames } from "./render.ts";

export interface MigrateOptions extends CallOptions {
  /** How long one attempt waits for a lock, in milliseconds. Default 5,000. */
  readonly lockTimeoutMs?: number | undefined;
  /** From 0 up to, not including, 1. For tests. */
  readonly random?: (() => number) | undefined;
}

export interface MigrationReport {
  /** Names of the migrations that this call applied, in order. */
  readonly applied: readonly string[];
  /** How many of the known migrations had been applied before. */
  readonly already: number;
  /** How many migrations the database has that this code does not know: a newer version works on it. Nothing is wrong. */
  readonly ahead: number;
}

/**
 * Brings a schema up to date in one transaction, or finds that it is. Any number of processes may do so at once. What other
 * sessions cause by working on the same schema at that moment is tried again until the deadline (`timeoutMs`, 30 s).
 *
 * @throws PersistError with code `migration` when a migration was applied in another form, when the role may not create what
 * is missing, and when something that no ledger knows is in the way. Nothing is left half done.
 */
export async function migrate(
  driver: Driver,
  set: readonly Migration[],
  names: SchemaNames,
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, random = Math.random } = options;
  const plan = migrationPlan(set, names, options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS);
  const deadline = performance.now() + timeoutMs;

  return bounded("migrate", { ...options, timeoutMs }, timeoutMs, async (call) => {
    call.wasSent = () => true;
    for (let attempt = 1; ; attempt++) {
      try {
        const remaining = Math.max(1, deadline - performance.now());
        const results = await driver.batch(plan, { signal: call.signal, timeoutMs: remaining });
        return report(set, results.at(-1) ?? []);
      } catch (error) {
        if (!mayTryAgain(error, attempt)) throw explained(error);
        await pause(backOffMs(attempt, random), call);
        if (call.signal.aborted) throw error;
      }
    }
  });
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_LOCK_TIMEOUT_MS = 5_000;

/**
 * Another session created the same thing between our look and our creation: 23505 on a catalogue's index, 42P06, 42P07,
 * 42710, 42723. It can only be one that does not take our lock. The constraint's name decides nothing here (it is another
 * one on every version and engine); instead the attempts are few, so that what is really in the way is soon reported.
 */
const CREATED_MEANWHILE: ReadonlySet<string> = new Set(["23505", "42P06", "42P07", "42710", "42723"]);
const MAX_CREATED_MEANWHILE = 4;

/** Serialization failure, deadlock, lock timeout: tried again until the deadline. */
const LOST_A_RACE: ReadonlySet<string> = new Set(["40001", "40P01", "55P03"]);

function mayTryAgain(error: unknown, attempt: number): boolean {
  if (!(error instanceof PersistError) || error.sqlstate === undefined || error.outcome === "unknown") return false;
  if (LOST_A_RACE.has(error.sqlstate)) return true;
  if (CREATED_MEANWHILE.has(error.sqlstate)) return attempt < MAX_CREATED_MEANWHILE;
  return error.sqlstate === "XX000" && /tuple concurrently (updated|deleted)/.test(error.message);
}

/** Full jitter: everybody who collided spreads out. */
function backOffMs(attempt: number, random: () => number): number {
  return random() * Math.min(1_000, 25 * 2 ** attempt);
}

function pause(delayMs: number, call: Call): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    call.signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

function report(set: readonly Migration[], ledger: readonly Row[]): MigrationReport {
  const known = new Set(set.map((migration) => migration.id));
  const applied = ledger.filter((row) => row["fresh"] === true).map((row) => String(row["name"]));
  const ahead = ledger.filter((row) => !known.has(Number(row["id"]))).length;
  return { applied, already: ledger.length - applied.length - ahead, ahead };
}

function explained(error: unknown): unknown {
  if (!(error instanceof PersistError) || error.sqlstate === undefined) return error;
  const why = explanation(error.sqlstate);
  if (why === undefined) return error;
  const { outcome, sqlstate } = error;
  return new PersistError("migration", `migrate: ${why}`, { outcome, sqlstate, cause: error });
}

function explanation(sqlstate: string): string | undefined {
  if (sqlstate === CHECKSUM_MISMATCH) {
    return "a migration was applied in another form than this version has; use the version that created the schema, or another schema";
  }
  if (sqlstate === "42501") {
    return "the role may not create what is missing; migrate once with a role that owns the schema, or grant it";
  }
  if (CREATED_MEANWHILE.has(sqlstate)) {
    return "an object of the same name is there, which the ledger does not know; use another schema or tablePrefix";
  }
  return undefined;
}
