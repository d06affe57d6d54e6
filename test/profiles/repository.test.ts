import pg from "pg";
import postgresJs from "postgres";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pg as pgDriver } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { NotFoundError } from "../../src/errors.ts";
import {
  createPostgresProfileStoreArtifacts,
  createPostgresProfileStoreRepository,
  createPostgresQueryExecutor,
  type ProfileRepository,
  type PsonProfile,
} from "../../src/profiles/index.ts";
import { createDatabase, type TestDatabase } from "../servers/provided.ts";

let database: TestDatabase;
let driver: Driver;
let repository: ProfileRepository;

beforeAll(async () => {
  database = await createDatabase(inject("servers").postgres);
  driver = pgDriver(database.url, { poolSize: 16 });
  repository = createPostgresProfileStoreRepository({ driver });
});
afterAll(async () => {
  await driver.close();
  await database.drop();
});

function profile(id: string, parts: Partial<PsonProfile> = {}): PsonProfile {
  return { profile_id: id, user_id: "u1", pson_version: "5.0", domains: { active: ["core"] }, ...parts };
}

async function rows(text: string, ...params: string[]) {
  return driver.query({ text, params });
}

describe("saving a profile", () => {
  it("counts revisions and writes the audit log", async () => {
    const context = { actor: "alice", request_id: "r1", trace_id: "t1", more: "is not recorded" };
    await repository.saveProfile(profile("audited", { colour: "red" }), { context });
    await repository.saveProfile(profile("audited", { colour: "blue" }));
    expect(
      await rows(
        "select revision, action, payload - 'document_hash' as payload from pson_profile_audit where profile_id = $1 order by entry",
        "audited",
      ),
    ).toEqual([
      {
        revision: 1,
        action: "save",
        payload: {
          changed_paths: ["colour", "domains", "metadata", "profile_id", "pson_version", "user_id"],
          actor: "alice",
          request_id: "r1",
          trace_id: "t1",
        },
      },
      {
        revision: 2,
        action: "save",
        payload: { changed_paths: ["colour", "metadata"] },
      },
    ]);
  });
});

describe("an executor over the application's own client", () => {
  const names = { schema: "app", tablePrefix: "people_" };
  const { schemaSql } = createPostgresProfileStoreArtifacts(names);

  it("works on pg.Pool, with the schema from its SQL text, run twice", async () => {
    const pool = new pg.Pool({ connectionString: database.url });
    await pool.query(schemaSql);
    await pool.query(schemaSql);
    const exec = createPostgresQueryExecutor(pool);
    await expectToWork(createPostgresProfileStoreRepository({ exec, ...names }), "by-pool");
    await pool.end();
  });

  it("works on a postgres.js client", async () => {
    const sql = postgresJs(database.url, { fetch_types: false, prepare: false });
    const exec = createPostgresQueryExecutor(sql);
    await expectToWork(createPostgresProfileStoreRepository({ exec, ...names }), "by-postgres-js");
    await sql.end();
  });

  it("turns the client's errors into ours", async () => {
    const pool = new pg.Pool({ connectionString: database.url });
    const exec = createPostgresQueryExecutor(pool);
    const missing = createPostgresProfileStoreRepository({ exec, schema: "nowhere" }).loadProfile("p");
    await expect(missing).rejects.toMatchObject({ name: "PersistError", sqlstate: "3F000", outcome: "rejected" });
    await pool.end();
  });

  async function expectToWork(own: ProfileRepository, id: string) {
    await own.saveProfile(profile(id, { user_id: id }));
    await own.saveProfile(profile(id, { user_id: id, twice: true }), { expectedRevision: 1 });
    expect(await own.loadProfile(id)).toMatchObject({ twice: true, metadata: { revision: 2 } });
    expect(await own.findProfilesByUserId(id)).toHaveLength(1);
    await expect(repository.loadProfile(id)).rejects.toBeInstanceOf(NotFoundError);
  }
});
