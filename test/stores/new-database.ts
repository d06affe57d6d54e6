import { afterAll, beforeAll, inject } from "vitest";
import {
  createDatabase,
  createReachableDatabase,
  type ReachableDatabase,
  type TestDatabase,
} from "../servers/provided.ts";

/**
 * An empty database of the main server for one test file, and the ways to it. To be called where hooks are registered; what it
 * returns, from hooks and tests.
 */
export function withNewDatabase(): () => ReachableDatabase {
  let database: ReachableDatabase | undefined;
  beforeAll(async () => {
    database = await createReachableDatabase(inject("servers"));
  });
  afterAll(() => database?.drop());
  return () => {
    if (database === undefined) throw new Error("the database was not created");
    return database;
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
