import { attachDatabasePool } from "@vercel/functions";
import { pgConfig } from "onetrip/pg";
import { Pool, type PoolClient } from "pg";

/**
 * The pool of one instance. The platform keeps the instance awake until idle connections are closed, which is soon; should it be
 * suspended with some all the same, they are not used again.
 */
export function vercelPool(databaseUrl: string, max: number): Pool {
  const pool = new Pool({
    ...pgConfig(databaseUrl),
    max,
    idleTimeoutMillis: IDLE_MS,
    connectionTimeoutMillis: 10_000,
  });
  // A connection that is lost while idle is taken out of the pool; without a listener it would end the process.
  pool.on("error", () => undefined);
  attachDatabasePool(pool);
  return judgedByTheWallClock(pool);
}

const IDLE_MS = 5000;

/** The pool counts idle time by timers, and those stand still in an instance that is suspended. */
function judgedByTheWallClock(pool: Pool): Pool {
  const idleSince = new WeakMap<PoolClient, number>();
  pool.on("release", (_error, client) => void idleSince.set(client, Date.now()));
  const connect = pool.connect.bind(pool);

  async function connectFresh(): Promise<PoolClient> {
    const client = await connect();
    if (Date.now() - (idleSince.get(client) ?? Date.now()) < IDLE_MS) return client;
    client.release(true);
    return connectFresh();
  }
  return Object.assign(pool, { connect: connectFresh });
}
