import pgPackage from "pg";
import type { Driver } from "../driver.ts";
import { CapabilityError, ConnectionError } from "../errors.ts";
import { type Call, DEFAULT_TIMEOUT_MS, MAX_TIMER_MS } from "./call.ts";
import { type Connection, connectionDriver, type Lender } from "./connection.ts";
import { type ConnectionParameters, resolveParameters } from "./connection-parameters.ts";
import { connectionPool } from "./connection-pool.ts";
import { openPgConnection, type PgClient, pgConnection } from "./pg-connection.ts";
import { connectFailure } from "./server-error.ts";
import type { WarningListener } from "./warning.ts";

export interface PgOptions {
  /** Deadline of a call that names none, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Connections of the driver's own. Default 1; not for a pool that was handed over. */
  readonly poolSize?: number | undefined;
  /** An own connection that was idle for longer is closed, in milliseconds. Default 30,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** Deadline for opening a connection, in milliseconds. Default: that of the call. */
  readonly connectTimeoutMs?: number | undefined;
  /** Told, while the driver is made, which keys of the connection string have no effect. */
  readonly onWarning?: WarningListener | undefined;
}

/**
 * Postgres over node-postgres, for Node, Lambda, Vercel and Workers (TCP). A query is one flight and a batch is one flight,
 * also behind PgBouncer: nothing is prepared by name and no session state is used.
 *
 * Give it a connection string, parameters, or a `pg.Pool` of your own (`attachDatabasePool` on Vercel takes the same pool).
 * `close()` leaves a pool that was handed over open.
 *
 * @example
 * ```ts
 * const driver = pg(process.env.DATABASE_URL ?? "postgresql://localhost/app");
 * await driver.query({ text: "select 1 as one", params: [] }); // [{ one: 1 }]
 * await driver.close();
 * ```
 */
export function pg(connection: string | ConnectionParameters | pgPackage.Pool, options: PgOptions = {}): Driver {
  const lender = isPool(connection) ? poolLender(connection) : ownConnections(connection, options);
  return connectionDriver("pg", lender, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}

/**
 * The configuration for a `pg.Pool` of your own: what the driver itself makes of a connection string. node-postgres would send
 * keys that it does not know to the server, and a pooler refuses them.
 *
 * @throws ValidationError
 * @example
 * ```ts
 * const driver = pg(new Pool({ ...pgConfig(process.env.DATABASE_URL), max: 5 }));
 * ```
 */
export function pgConfig(
  connection: string | ConnectionParameters,
  onWarning?: WarningListener | undefined,
): pgPackage.ClientConfig {
  const { applicationName, ...parameters } = resolveParameters(connection, onWarning);
  return { ...parameters, application_name: applicationName, keepAlive: true };
}

function isPool(connection: string | ConnectionParameters | pgPackage.Pool): connection is pgPackage.Pool {
  return typeof connection === "object" && "connect" in connection;
}

function ownConnections(connection: string | ConnectionParameters, options: PgOptions): Lender {
  const config = {
    ...pgConfig(connection, options.onWarning),
    connectionTimeoutMillis: Math.min(options.connectTimeoutMs ?? 0, MAX_TIMER_MS),
  };
  return connectionPool((call) => openPgConnection(new pgPackage.Client(config) as unknown as PgClient, call), {
    size: options.poolSize ?? 1,
    idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
  });
}

/** Connections of a pool that belongs to the caller. A broken one is taken out of it. */
function poolLender(pool: pgPackage.Pool): Lender {
  const connections = new WeakMap<pgPackage.PoolClient, Connection>();
  const lent = new Map<Connection, pgPackage.PoolClient>();

  async function lend(call: Call): Promise<Connection> {
    const client = await pool.connect().catch((error: unknown) => {
      throw connectFailure(error);
    });
    if ((client as { pipeline?: boolean }).pipeline) {
      client.release();
      throw new CapabilityError("pg: the pool has `pipeline: true`; leave it out, a batch is one flight without it");
    }
    if (call.signal.aborted) {
      client.release();
      throw new ConnectionError("connect: given up while waiting for the pool", { outcome: "not-sent" });
    }
    const connection = connections.get(client) ?? pgConnection(client as unknown as PgClient);
    connections.set(client, connection);
    lent.set(connection, client);
    return connection;
  }

  function giveBack(connection: Connection) {
    lent.get(connection)?.release(!connection.isUsable());
    lent.delete(connection);
  }

  return { lend, giveBack, close: async () => undefined };
}
