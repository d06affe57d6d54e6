import { afterAll, beforeAll, inject } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import type { Driver, Row } from "../../src/driver.ts";
import { createPostgresProfileStoreRepository, type ProfileRepository } from "../../src/profiles/index.ts";
import { numbers } from "../contract/profile-document.ts";
import { createReachableDatabase, type ReachableDatabase } from "../servers/provided.ts";

export { numbers, profile } from "../contract/profile-document.ts";

/** A repository over an empty database of the main server, for one test file. Its owner is a superuser. */
export interface NewProfiles {
  readonly database: ReachableDatabase;
  readonly driver: Driver;
  readonly repository: ProfileRepository;
  rows(text: string, ...params: string[]): Promise<Row[]>;
}

const CONNECTIONS = 32;

/** To be called where hooks are registered; what it returns, from hooks and tests. */
export function withNewProfiles(): () => NewProfiles {
  let profiles: NewProfiles | undefined;
  beforeAll(async () => {
    const database = await createReachableDatabase(inject("servers"));
    const driver = pg(database.postgres, { poolSize: CONNECTIONS });
    const repository = createPostgresProfileStoreRepository({ driver });
    await repository.findProfilesByUserId("nobody");
    // Opened beforehand, so that calls which are made at the same time also arrive at the same time.
    await Promise.all(numbers(CONNECTIONS).map(() => repository.findProfilesByUserId("nobody")));
    profiles = { database, driver, repository, rows: (text, ...params) => driver.query({ text, params }) };
  });
  afterAll(async () => {
    await profiles?.driver.close();
    await profiles?.database.drop();
  });
  return () => {
    if (profiles === undefined) throw new Error("the database was not created");
    return profiles;
  };
}
