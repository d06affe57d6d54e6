import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { createPostgresProfileStoreArtifacts, createPostgresProfileStoreRepository } from "../../src/profiles/index.ts";
import { asOwner, createRole, type TestRole } from "./application-role.ts";
import { profile, withNewProfiles } from "./new-profiles.ts";

const profiles = withNewProfiles();

const attacks = [
  "update pson_profile_audit set action = 'x'",
  "update pson_profile_audit set payload = null, salt = null",
  "delete from pson_profile_audit",
  "truncate pson_profile_audit",
  "truncate pson_profiles, pson_profile_audit",
  "insert into pson_profile_audit select * from pson_profile_audit on conflict (profile_id, entry) do update set revision = 9",
];

describe("the log is append-only", () => {
  let role: TestRole;
  let driver: Driver;
  beforeAll(async () => {
    const { database, repository } = profiles();
    role = await createRole(database.postgres);
    const { schemaSql } = createPostgresProfileStoreArtifacts({ applicationRole: role.name });
    await asOwner(database.postgres, schemaSql);
    await asOwner(database.postgres, schemaSql);
    driver = pg(role.url);
    await repository.saveProfile(profile("logged"));
  });
  afterAll(async () => {
    await driver.close();
    await asOwner(profiles().database.postgres, `drop owned by ${role.name}`);
    await role.drop();
  });

  const run = (on: Driver, text: string) => on.query({ text, params: [] });

  it.each(attacks)("for the application's role, itself and by a function of its own: %s", async (text) => {
    await expect(run(driver, text)).rejects.toMatchObject({ sqlstate: "42501" });
    const statements = [
      `create function pg_temp.attack() returns void language plpgsql as $$ begin ${text}; end $$`,
      "select pg_temp.attack()",
    ];
    const attack = driver.batch(statements.map((statement) => ({ text: statement, params: [] })));
    await expect(attack).rejects.toMatchObject({ sqlstate: "42501" });
  });

  it.each(attacks)("for the owner: %s", async (text) => {
    await expect(run(profiles().driver, text)).rejects.toMatchObject({ sqlstate: "42501" });
    expect(await profiles().repository.verifyAuditChain("logged")).toEqual({ valid: true, entries: 1 });
  });

  it("while the application's role saves, reads and deletes, and cannot migrate or see more", async () => {
    const repository = createPostgresProfileStoreRepository({ driver, migrate: "off" });
    await repository.saveProfile(profile("own"));
    await repository.saveMany([profile("own"), profile("own-2")]);
    await repository.writeCurrentProfile({ ...profile("own-2"), metadata: { revision: 5 } });
    await repository.writeProfileRevision({ ...profile("own-2"), metadata: { revision: 4 } });
    expect(await repository.findProfilesByUserId("u1")).toHaveLength(3);
    expect(await repository.deleteProfile("own")).toBe(true);
    expect(await repository.verifyAuditChain("own")).toEqual({ valid: true, entries: 3 });
    expect((await repository.listAuditEntries("own")).entries.map(({ payload }) => payload)).toEqual([{}, null, null]);
    expect(await run(driver, "select name from pson_migrations")).not.toEqual([]);
    for (const text of [
      "delete from pson_migrations",
      "insert into pson_migrations values (99, 'x', 'y', now())",
      "alter table pson_profile_audit disable trigger all",
      "drop table pson_profiles",
    ]) {
      await expect(run(driver, text)).rejects.toMatchObject({ sqlstate: "42501" });
    }
  });

  it("with no more grants than that", async () => {
    const grants = await profiles().rows(
      `select table_name as "table", string_agg(lower(privilege_type), ' ' order by privilege_type) as privileges
from information_schema.role_table_grants where grantee = $1 group by table_name order by table_name`,
      role.name,
    );
    expect(grants).toEqual([
      { table: "pson_domain_index", privileges: "delete insert select update" },
      { table: "pson_migrations", privileges: "select" },
      { table: "pson_profile_audit", privileges: "insert select" },
      { table: "pson_profiles", privileges: "delete insert select update" },
    ]);
  });
});
