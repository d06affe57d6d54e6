import { Pool } from "pg";

/** Connections to the databases of one server, by name. */
export interface DatabasePools {
  readonly serverUrl: URL;
  pool(database: string): Pool;
  /** Waits for the connections that are in use. */
  end(): Promise<void>;
}

/** Each database that is asked for gets a pool of at most `maxConnections`. */
export function databasePools(serverUrl: URL, maxConnections: number): DatabasePools {
  const pools = new Map<string, Pool>();

  return {
    serverUrl,
    pool(database) {
      const pool = pools.get(database) ?? open(database);
      pools.set(database, pool);
      return pool;
    },
    async end() {
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };

  function open(database: string): Pool {
    const url = new URL(serverUrl);
    url.pathname = `/${encodeURIComponent(database)}`;
    const pool = new Pool({ connectionString: url.href, max: maxConnections, idleTimeoutMillis: 5_000 });
    // A server that ends a connection is no reason to end the process: the next request finds out.
    pool.on("error", () => undefined);
    pool.on("connect", (client) => client.on("error", () => undefined));
    return pool;
  }
}
