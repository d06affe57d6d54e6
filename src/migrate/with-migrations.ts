import { bounded, DEFAULT_TIMEOUT_MS, timeoutOf } from "../driver/call.ts";
import type { CallOptions, Driver } from "../driver.ts";
import { ConnectionError, PersistError, TimeoutError } from "../errors.ts";
import { type MigrationReport, migrate } from "./migrate.ts";
import type { Migration } from "./migration.ts";
import type { SchemaNames } from "./render.ts";

/**
 * What happens when a statement finds the schema missing or behind.
 *
 * | mode | |
 * |---|---|
 * | `auto` | the migrations are applied and the statement is sent once more |
 * | `check` | the call fails with code `migration` and says what to run |
 * | `off` | the call fails with the server's own error |
 *
 * None of them looks before a statement fails, so a schema that is up to date costs nothing. For the same reason none
 * notices a schema that is newer than the code: functions keep their names and shapes for the deployments before, so old
 * code goes on working on it. `migrate()` reports it as `ahead`.
 */
export type MigrateMode = "auto" | "check" | "off";

export interface WithMigrationsOptions {
  readonly mode: MigrateMode;
  readonly set: readonly Migration[];
  readonly names: SchemaNames;
  /** Called after each attempt that succeeded. */
  readonly onMigrate?: ((report: MigrationReport) => void) | undefined;
}

/**
 * A driver that runs each statement first and migrates only when the server answers that something is missing (SQLSTATE
 * 42P01, 42703, 42883, 3F000). The statement was refused then, so sending it again is safe.
 *
 * Calls that need the migration at the same time share one attempt; a failed one is forgotten. `timeoutMs` and `signal` of a
 * call cover its statement, its wait for the migration and the second sending.
 */
export function withMigrations(driver: Driver, options: WithMigrationsOptions): Driver {
  const shared = sharedAttempt(() => migrate(driver, options.set, options.names), options.onMigrate);

  async function run<T, O extends CallOptions>(send: (callOptions: O | undefined) => Promise<T>, given: O | undefined) {
    const startedAt = performance.now();
    try {
      return await send(given);
    } catch (error) {
      if (!isMissing(error) || options.mode === "off") throw error;
      if (options.mode === "check") throw behind(error);
      const remainingMs = () => Math.max(1, timeoutOf(given ?? {}, driver) - (performance.now() - startedAt));
      try {
        await bounded("migrate", { ...given, timeoutMs: remainingMs() }, DEFAULT_TIMEOUT_MS, () => shared());
      } catch (failure) {
        throw asRefused(failure);
      }
      return send({ ...given, timeoutMs: remainingMs() } as O);
    }
  }

  return {
    name: driver.name,
    timeoutMs: driver.timeoutMs,
    query: (statement, callOptions) => run((bound) => driver.query(statement, bound), callOptions),
    batch: (statements, callOptions) => run((bound) => driver.batch(statements, bound), callOptions),
    close: () => driver.close(),
  };
}

const MISSING: ReadonlySet<string> = new Set(["42P01", "42703", "42883", "3F000"]);

function isMissing(error: unknown): error is PersistError {
  return error instanceof PersistError && error.sqlstate !== undefined && MISSING.has(error.sqlstate);
}

function behind(cause: PersistError): PersistError {
  const message =
    'the schema is missing or older than this version needs; call store.migrate() once at deployment with a role that may create it, or use migrate: "auto"';
  return new PersistError("migration", message, { outcome: cause.outcome, sqlstate: cause.sqlstate, cause });
}

/** Whatever became of the migration, the statement of this call was refused by the server: its outcome is known. */
function asRefused(failure: unknown): unknown {
  if (!(failure instanceof PersistError) || failure.outcome !== "unknown") return failure;
  const { message, retryable, sqlstate, retryAfterMs } = failure;
  const options = { outcome: "rejected", retryable, sqlstate, retryAfterMs, cause: failure } as const;
  if (failure instanceof TimeoutError) return new TimeoutError(message, options);
  if (failure instanceof ConnectionError) return new ConnectionError(message, options);
  return new PersistError(failure.code, message, options);
}

/**
 * One attempt for all who need it now. On runtimes where a request takes its promises with it when it ends, an attempt may
 * never settle: one that is older than its own deadline counts as over.
 */
function sharedAttempt(
  start: () => Promise<MigrationReport>,
  onMigrate: ((report: MigrationReport) => void) | undefined,
): () => Promise<MigrationReport> {
  let current: { readonly result: Promise<MigrationReport>; readonly startedAt: number } | undefined;
  return () => {
    if (current && performance.now() - current.startedAt < DEFAULT_TIMEOUT_MS) return current.result;
    const attempt = { result: start(), startedAt: performance.now() };
    current = attempt;
    const over = () => {
      if (current === attempt) current = undefined;
    };
    attempt.result.then((report) => onMigrate?.(report)).then(over, over);
    return attempt.result;
  };
}
