import pg from "pg";
import postgresJs from "postgres";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pg as pgDriver } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { ConflictError, NotFoundError, PersistError, ValidationError } from "../../src/errors.ts";
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
  it("stores the document as given but for metadata.revision", async () => {
    const given = profile("as-given", { metadata: { revision: 7, confidence: 0.5, created_at: "2020-01-01" } });
    const saved = await repository.saveProfile(given);
    expect(saved).toEqual({ ...given, metadata: { revision: 1, confidence: 0.5, created_at: "2020-01-01" } });
    expect(await repository.loadProfile("as-given")).toEqual(saved);
  });

  it("makes metadata when there is none", async () => {
    expect(await repository.saveProfile(profile("bare"))).toMatchObject({ metadata: { revision: 1 } });
  });

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

  it.each([
    { expected: "absent", exists: true, held: false },
    { expected: 0, exists: true, held: false },
    { expected: 1, exists: true, held: true },
    { expected: 2, exists: true, held: false },
    { expected: "present", exists: true, held: true },
    { expected: "absent", exists: false, held: true },
    { expected: 0, exists: false, held: true },
    { expected: 1, exists: false, held: false },
    { expected: "present", exists: false, held: false },
  ] as const)("with $expected expected on a profile that exists: $exists — saves: $held", async (test) => {
    const id = `expected-${test.expected}-${test.exists}`;
    if (test.exists) await repository.saveProfile(profile(id));
    const saving = repository.saveProfile(profile(id, { second: true }), { expectedRevision: test.expected });
    if (test.held) {
      await expect(saving).resolves.toMatchObject({ metadata: { revision: test.exists ? 2 : 1 } });
    } else {
      await expect(saving).rejects.toBeInstanceOf(ConflictError);
      await expect(saving).rejects.toMatchObject({ currentVersion: test.exists ? 1 : 0, outcome: "rejected" });
      if (!test.exists) await expect(repository.loadProfile(id)).rejects.toBeInstanceOf(NotFoundError);
    }
  });

  it("gives every one of 16 simultaneous first saves a revision of its own", async () => {
    const saved = await Promise.all(
      Array.from({ length: 16 }, (_, n) => repository.saveProfile(profile("crowded", { n }))),
    );
    expect(saved.map(({ metadata }) => metadata.revision).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, n) => n + 1),
    );
    const [audit] = await rows("select count(*)::int4 as entries from pson_profile_audit where profile_id = 'crowded'");
    expect(audit).toEqual({ entries: 16 });
  });

  it("lets exactly one of 16 savers win who saw the same revision", async () => {
    await repository.saveProfile(profile("contested"));
    const saves = await Promise.allSettled(
      Array.from({ length: 16 }, (_, n) =>
        repository.saveProfile(profile("contested", { n }), { expectedRevision: 1 }),
      ),
    );
    expect(saves.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("moves the profile in the look-up when its user changes", async () => {
    await repository.saveProfile(profile("moving", { user_id: "before" }));
    await repository.saveProfile(profile("moving", { user_id: "after" }));
    expect(await repository.findProfilesByUserId("before")).toEqual([]);
    expect(await repository.findProfilesByUserId("after")).toMatchObject([{ profile_id: "moving", user_id: "after" }]);
  });

  it.each([
    ["no profile_id", { user_id: "u" }],
    ["an empty profile_id", { profile_id: "", user_id: "u" }],
    ["a user_id that is no string", { profile_id: "p", user_id: 1 }],
    ["a tenant_id that is no string", { profile_id: "p", user_id: "u", tenant_id: null }],
    ["metadata that is no object", { profile_id: "p", user_id: "u", metadata: [] }],
    ["NUL in a part", { profile_id: "p", user_id: "u", part: "\0" }],
    ["no object", null],
  ])("refuses %s before anything is sent", async (_, given) => {
    const saving = repository.saveProfile(given as unknown as PsonProfile);
    await expect(saving).rejects.toBeInstanceOf(ValidationError);
    await expect(saving).rejects.toMatchObject({ outcome: "not-sent" });
  });
});

describe("loading a profile", () => {
  it("leaves the document in the database when its revision is known", async () => {
    await repository.saveProfile(profile("known"));
    expect(await repository.loadChangedProfile("known", [3, 1])).toEqual({ status: "unchanged", revision: 1 });
    expect(await repository.loadChangedProfile("known", "any")).toEqual({ status: "unchanged", revision: 1 });
    expect(await repository.loadChangedProfile("known", [2])).toMatchObject({ status: "changed", revision: 1 });
    expect(await repository.loadChangedProfile("known", [])).toMatchObject({ profile: { profile_id: "known" } });
  });

  it("fails with not-found, without naming the profile", async () => {
    const loading = repository.loadProfile("nobody-knows");
    await expect(loading).rejects.toBeInstanceOf(NotFoundError);
    await expect(loading).rejects.not.toThrow(/nobody-knows/);
  });
});

describe("tenants", () => {
  beforeAll(() => repository.saveProfile(profile("tenanted", { user_id: "shared", tenant_id: "acme" })));

  it("see only their own profiles", async () => {
    expect(await repository.loadProfile("tenanted", { tenant: "acme" })).toMatchObject({ profile_id: "tenanted" });
    await expect(repository.loadProfile("tenanted", { tenant: "other" })).rejects.toBeInstanceOf(NotFoundError);
    await expect(repository.loadChangedProfile("tenanted", "any", { tenant: "other" })).rejects.toThrow(NotFoundError);
    expect(await repository.findProfilesByUserId("shared", { tenant: "other" })).toEqual([]);
    expect(await repository.findProfilesByUserId("shared", { tenant: "acme" })).toHaveLength(1);
    const tenant = "other";
    for (const order of ["newest", "oldest"] as const) {
      expect((await repository.listAuditEntries("tenanted", { tenant, order })).entries).toEqual([]);
    }
    expect(await repository.verifyAuditChain("tenanted", { tenant })).toEqual({ valid: true, entries: 0 });
    expect(await repository.listProfileRevisionNumbers("tenanted", { tenant })).toEqual([]);
    expect(await repository.readUserProfileIndex("shared", { tenant })).toBeNull();
    expect(await repository.loadMany(["tenanted"], { tenant })).toEqual([undefined]);
    await expect(repository.loadProfileByUserId("shared", { tenant })).rejects.toBeInstanceOf(NotFoundError);
    expect(await repository.deleteProfile("tenanted", { tenant })).toBe(false);
  });

  it("cannot take over a profile", async () => {
    const saving = repository.saveProfile(profile("tenanted", { tenant_id: "other" }));
    await expect(saving).rejects.toBeInstanceOf(PersistError);
    await expect(saving).rejects.toMatchObject({ code: "forbidden", outcome: "rejected" });
    await expect(repository.saveProfile(profile("tenanted"))).rejects.toMatchObject({ outcome: "rejected" });
    expect(await repository.loadProfile("tenanted")).toMatchObject({ tenant_id: "acme", metadata: { revision: 1 } });
  });
});

describe("deleting a profile", () => {
  it.each([
    { expected: undefined, exists: true, answer: true },
    { expected: 1, exists: true, answer: true },
    { expected: "present", exists: true, answer: true },
    { expected: 2, exists: true, answer: "conflict" },
    { expected: undefined, exists: false, answer: false },
    { expected: 0, exists: false, answer: false },
    { expected: 1, exists: false, answer: "conflict" },
    { expected: "present", exists: false, answer: "conflict" },
  ] as const)("with $expected expected on one that exists: $exists — $answer", async ({ expected, exists, answer }) => {
    const id = `delete-${expected}-${exists}`;
    if (exists) await repository.saveProfile(profile(id));
    const deleting = repository.deleteProfile(id, { expectedRevision: expected });
    if (answer === "conflict") await expect(deleting).rejects.toMatchObject({ currentVersion: exists ? 1 : 0 });
    else expect(await deleting).toBe(answer);
    expect((await repository.loadMany([id]))[0] !== undefined).toBe(exists && answer !== true);
  });
});

describe("the index by user", () => {
  const index = (latest_profile_id: string, user_id = "indexed") => {
    return { user_id, latest_profile_id, profile_ids: ["made-up"], updated_at: "2020-01-01" };
  };

  it("moves the latest profile to the front when it is told, and believes nothing else", async () => {
    await repository.saveMany(["i1", "i2", "i3"].map((id) => profile(id, { user_id: "indexed" })));
    const read = () => repository.readUserProfileIndex("indexed");
    expect(await read()).toMatchObject({ latest_profile_id: "i3", profile_ids: ["i1", "i2", "i3"] });
    await repository.writeUserProfileIndex(index("i1"));
    expect(await read()).toMatchObject({ latest_profile_id: "i1", profile_ids: ["i1", "i2", "i3"] });
    await repository.saveProfile(profile("of-another", { user_id: "another" }));
    for (const id of ["of-another", "made-up"]) await repository.writeUserProfileIndex(index(id));
    await repository.writeUserProfileIndex(index("i2"), { tenant: "nobody's" });
    expect(await read()).toMatchObject({ latest_profile_id: "i1" });
    expect(await repository.readUserProfileIndex("another")).toMatchObject({ profile_ids: ["of-another"] });
    const again = await repository.loadProfile("i3");
    await repository.writeCurrentProfile(again);
    expect(await read()).toMatchObject({ latest_profile_id: "i3" });
    expect(await repository.verifyAuditChain("i3")).toEqual({ valid: true, entries: 1 });
    await repository.writeUserProfileIndex(index("i1", "nobody"));
    expect(await repository.readUserProfileIndex("nobody")).toBeNull();
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
