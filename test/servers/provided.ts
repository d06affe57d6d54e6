import { randomBytes } from "node:crypto";
import pg from "pg";

/** The servers of a test run, as `inject("servers")` gives them. Each URL is of a superuser on the database `postgres`. */
export interface Servers {
  /** PostgreSQL 18, or the system's where that is not packaged. Its default collation is linguistic. */
  readonly postgres: string;
  /** A second, older server, where the machine has one. Its default collation is `C`. */
  readonly system?: { readonly version: number; readonly url: string };
  /** PgBouncer in transaction mode in front of `postgres`; any database can be named in the URL. */
  readonly pgbouncer: string;
  /** A local Neon endpoint in front of `postgres`; any database can be named in the URL. */
  readonly neon: string;
}

declare module "vitest" {
  interface ProvidedContext {
    servers: Servers;
  }
}

/** A database that one test file or test has to itself. */
export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** Ends its connections and drops it. Harmless twice. */
  drop(): Promise<void>;
}

/** One new database and the three ways to it. */
export interface ReachableDatabase {
  readonly name: string;
  readonly postgres: string;
  readonly pgbouncer: string;
  readonly neon: string;
  /** Ends its connections and drops it. Harmless twice. */
  drop(): Promise<void>;
}

/**
 * Creates an empty database on a Postgres server, given the URL of any database there. Not through PgBouncer or the Neon
 * endpoint: see {@link createReachableDatabase}.
 */
export async function createDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  await execute(serverUrl, `create database ${name}`);
  return {
    name,
    url: withDatabase(serverUrl, name),
    drop: () => execute(serverUrl, `drop database if exists ${name} with (force)`),
  };
}

/**
 * Creates an empty database on the main server.
 * @example
 * ```ts
 * const database = await createReachableDatabase(inject("servers"));
 * afterAll(() => database.drop());
 * const driver = postgres(database.pgbouncer, { pooler: "transaction" });
 * ```
 */
export async function createReachableDatabase(servers: Servers): Promise<ReachableDatabase> {
  const { name, url, drop } = await createDatabase(servers.postgres);
  return {
    name,
    postgres: url,
    pgbouncer: withDatabase(servers.pgbouncer, name),
    neon: withDatabase(servers.neon, name),
    drop,
  };
}

/** The same server, another database. */
export function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function execute(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client(serverUrl);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
