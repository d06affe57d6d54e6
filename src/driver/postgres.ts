import type { Driver } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { DEFAULT_TIMEOUT_MS, MAX_TIMER_MS } from "./call.ts";
import { connectionDriver } from "./connection.ts";
import { type ConnectionParameters, resolveParameters } from "./connection-parameters.ts";
import { connectionPool } from "./connection-pool.ts";
import { postgresConnection } from "./postgres-connection.ts";
import type { WarningListener } from "./warning.ts";

export interface PostgresOptions {
  /**
   * `transaction`: one connection, for a process behind PgBouncer or Hyperdrive, which do the pooling. `none`: up to
   * `poolSize` connections. The statements are the same in both, and safe behind a pooler. Default `none`.
   */
  readonly pooler?: "transaction" | "none" | undefined;
  /** Connections at most. Default 1 with `pooler: "transaction"`, else 10. */
  readonly poolSize?: number | undefined;
  /** A connection that was idle for longer is closed, in milliseconds. Default 30,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** Deadline for opening a connection, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Deadline of a call that names none, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Told, while the driver is made, which keys of the connection string have no effect. */
  readonly onWarning?: WarningListener | undefined;
}

/**
 * Postgres over postgres.js, for Workers (TCP and Hyperdrive), Lambda and Node. A query is one flight and a batch on an open
 * connection is one flight, also behind PgBouncer: nothing is prepared by name and no session state is used. Each connection
 * serves one call at a time and is never re-opened: after any failure of the line a new one takes its place.
 *
 * In workerd it belongs to one request: open it there, and close it with `ctx.waitUntil(driver.close())`.
 *
 * @example
 * ```ts
 * const driver = postgres(env.HYPERDRIVE.connectionString, { pooler: "transaction" });
 * const rows = await driver.query({ text: "select 1 as one", params: [] });
 * ctx.waitUntil(driver.close());
 * ```
 */
export function postgres(connection: string | ConnectionParameters, options: PostgresOptions = {}): Driver {
  const size = options.poolSize ?? (options.pooler === "transaction" ? 1 : 10);
  if (options.pooler === "transaction" && size !== 1) {
    throw new ValidationError('postgres: `pooler: "transaction"` means one connection; leave `poolSize` out');
  }
  const parameters = resolveParameters(connection, options.onWarning);
  const connectTimeoutMs = Math.min(options.connectTimeoutMs ?? 10_000, MAX_TIMER_MS);
  const pool = connectionPool(async () => postgresConnection(parameters, connectTimeoutMs), {
    size,
    idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
  });
  return connectionDriver("postgres", pool, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}
