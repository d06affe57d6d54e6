import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import pg from "pg";
import { afterEach, describe, expect, inject, it } from "vitest";
import { pg as pgDriver } from "../../src/driver/pg.ts";
import { createPostgresProfileStoreArtifacts, createPostgresProfileStoreRepository } from "../../src/profiles/index.ts";
import { createDatabase, type TestDatabase } from "../servers/provided.ts";
import { asOwner, createRole } from "./application-role.ts";
import { profile } from "./new-profiles.ts";

const SESSIONS = 32;
const psql = ["/usr/bin/psql", "/usr/local/bin/psql", "/opt/homebrew/bin/psql"].find((path) => existsSync(path));

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

describe("schemaSql", () => {
  const servers = ["postgres", "system"] as const;

  it.each(servers)(`is run by ${SESSIONS} sessions at once, and again: %s`, async (server) => {
    const url = server === "postgres" ? inject("servers").postgres : inject("servers").system?.url;
    if (url === undefined) return;
    const database = await newDatabase(url);
    const role = await createRole(database.url);
    undo.push(() => role.drop());
    undo.push(() => asOwner(database.url, `drop owned by ${role.name}`));
    const options = { schema: "app", tablePrefix: "people_", rls: true, applicationRole: role.name };
    const { schemaSql } = createPostgresProfileStoreArtifacts(options);

    await Promise.all(Array.from({ length: SESSIONS }, () => asOwner(database.url, schemaSql)));
    await asOwner(database.url, schemaSql);

    const driver = pgDriver(role.url);
    const repository = createPostgresProfileStoreRepository({ driver, ...options, migrate: "off" });
    await repository.saveProfile(profile("p", { tenant_id: "t" }));
    expect(await repository.loadProfile("p", { tenant: "t" })).toMatchObject({ profile_id: "p" });
    const text = "select count(*)::int4 as migrations from app.people_migrations";
    expect(await driver.query({ text, params: [] })).toEqual([{ migrations: 6 }]);
    await driver.close();
  });

  it("adds row-level security to tables that were made without it, as the same ledger", async () => {
    const database = await newDatabase();
    await asOwner(database.url, createPostgresProfileStoreArtifacts().schemaSql);
    await asOwner(database.url, createPostgresProfileStoreArtifacts({ rls: true }).schemaSql);
    await asOwner(database.url, createPostgresProfileStoreArtifacts().schemaSql);
    const client = new pg.Client(database.url);
    await client.connect();
    const { rows } = await client.query("select count(*)::int4 as n from pg_policies where schemaname = 'public'");
    await client.end();
    expect(rows).toEqual([{ n: 3 }]);
  });

  it.skipIf(psql === undefined)("goes through psql, twice (skipped where there is no psql)", async () => {
    const database = await newDatabase();
    const role = await createRole(database.url);
    undo.push(() => role.drop());
    undo.push(() => asOwner(database.url, `drop owned by ${role.name}`));
    const { schemaSql } = createPostgresProfileStoreArtifacts({
      schema: "by_psql",
      rls: true,
      applicationRole: role.name,
    });
    for (let run = 1; run <= 2; run++) expect(await runPsql(database.url, schemaSql)).toEqual({ code: 0, stderr: "" });
    const driver = pgDriver(database.url);
    const repository = createPostgresProfileStoreRepository({ driver, schema: "by_psql", migrate: "off" });
    expect((await repository.saveProfile(profile("p"))).metadata.revision).toBe(1);
    await driver.close();
  });

  it("names nothing that it was not told to", () => {
    const { schemaSql, queries } = createPostgresProfileStoreArtifacts({ schema: "s", tablePrefix: "p_" });
    expect(schemaSql).not.toMatch(/\bgrant\b|row level security/);
    for (const text of Object.values(queries))
      expect(text).toMatch(/^select [a-z_, ]+ from "s"\."p_[a-z_]+"\([$\d, ]+\)$/);
  });

  it.each([{ schema: 'a"b' }, { tablePrefix: "a-b" }, { applicationRole: "x; drop" }, { applicationRole: "" }])(
    "takes no name that is not plain: %j",
    (options) => {
      expect(() => createPostgresProfileStoreArtifacts(options)).toThrow(/use letters, digits and _ only/);
    },
  );
});

async function newDatabase(serverUrl = inject("servers").postgres): Promise<TestDatabase> {
  const database = await createDatabase(serverUrl);
  undo.push(() => database.drop());
  return database;
}

function runPsql(url: string, script: string): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(psql ?? "psql", [
      "--no-psqlrc",
      "--quiet",
      "--set=ON_ERROR_STOP=1",
      "--dbname",
      url,
      "--file=-",
    ]);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += String(chunk);
    });
    child.stdout.resume();
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr }));
    child.stdin.end(script);
  });
}
