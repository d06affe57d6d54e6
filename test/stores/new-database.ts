import { afterAll, beforeAll, inject } from "vitest";
import { type LocalNeon, startLocalNeon } from "../../src/local/index.ts";
import { createDatabase, type TestDatabase, withDatabase } from "../servers/provided.ts";

/** An empty database and the ways to it. */
export interface NewDatabase {
  readonly postgres: string;
  readonly pgbouncer: string;
  readonly neon: string;
}

/**
 * An empty database of the main server for one test file, behind a Neon endpoint of its own: over HTTP an endpoint serves
 * one database. To be called where hooks are registered; what it returns, from hooks and tests.
 */
export function withNewDatabase(): () => NewDatabase {
  let database: TestDatabase | undefined;
  let neon: LocalNeon | undefined;
  beforeAll(async () => {
    database = await createDatabase(inject("servers").postgres);
    neon = await startLocalNeon({ database: database.url, poolSize: 20 });
  });
  afterAll(async () => {
    await neon?.close();
    await database?.drop();
  });
  return () => {
    if (database === undefined || neon === undefined) throw new Error("the database was not created");
    return {
      postgres: database.url,
      pgbouncer: withDatabase(inject("servers").pgbouncer, database.name),
      neon: neon.url,
    };
  };
}

/** An empty database of the older server of the machine. Undefined where there is none. */
export function withSystemDatabase(): (() => string) | undefined {
  const { system } = inject("servers");
  if (system === undefined) return undefined;
  let database: TestDatabase | undefined;
  beforeAll(async () => {
    database = await createDatabase(system.url);
  });
  afterAll(() => database?.drop());
  return () => {
    if (database === undefined) throw new Error("the database was not created");
    return database.url;
  };
}
