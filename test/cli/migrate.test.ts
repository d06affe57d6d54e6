import { describe, expect, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { jsonOf, runOnetrip } from "./run-onetrip.ts";

const database = withNewDatabase();

describe("onetrip migrate", () => {
  it("says with --check what is missing, applies it, and finds nothing to do after that", async () => {
    const before = await runOnetrip(["migrate", "--check"], { env: { DATABASE_URL: database().postgres } });
    expect(before).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("stores in schema persist: not there yet"),
    });

    const applied = await runOnetrip(["migrate", database().pgbouncer, "--json"]);
    expect(applied.code).toBe(0);
    const names = storeMigrations.map(({ name }) => name);
    expect(jsonOf(applied)).toEqual({ schema: "persist", applied: names, already: 0, ahead: 0 });

    const again = await runOnetrip(["migrate", database().neon]);
    expect(again.stdout).toBe(
      `stores in schema persist: nothing to do, all ${names.length} migrations were applied before\n`,
    );
    const check = await runOnetrip(["migrate", database().postgres, "--check", "--json"]);
    expect(check.code).toBe(0);
    expect(jsonOf(check)).toMatchObject({ isUpToDate: true, missing: [], altered: [] });
  });

  it("names what an older schema lacks", async () => {
    const driver = pg(database().postgres);
    const last = storeMigrations.at(-1);
    await driver.query({ text: `delete from persist.persist_migrations where id = ${last?.id}`, params: [] });
    await driver.close();
    const { code, stdout } = await runOnetrip(["migrate", database().postgres, "--check"]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${storeMigrations.length - 1} of ${storeMigrations.length} migrations are applied`);
    expect(stdout).toContain(`  missing  ${String(last?.id).padStart(4, "0")}-${last?.name}\n`);
  });

  it("prints SQL that does the same, without a database", async () => {
    const stores = await runOnetrip(["migrate", "--print", "--schema", "my_app"]);
    expect(stores.code).toBe(0);
    expect(stores.stdout).toMatch(/^begin isolation level read committed;/);
    expect(stores.stdout).toContain('create table "my_app".persist_records');
    const profiles = await runOnetrip(["migrate", "--print", "--profiles", "--rls", "--role", "web"]);
    expect(profiles.stdout).toContain("create policy");
    expect(profiles.stdout).toContain('to "web"');
  });

  it("brings the tables of the profiles up to date, in their own schema and with their own prefix", async () => {
    const args = [database().postgres, "--profiles", "--prefix", "app_"];
    expect((await runOnetrip(["migrate", ...args])).stdout).toMatch(
      /^profiles in schema public: \d+ of \d+ migrations applied\n/,
    );
    expect((await runOnetrip(["migrate", ...args, "--check"])).code).toBe(0);
    expect((await runOnetrip(["migrate", ...args, "--check", "--rls"])).code).toBe(1);
    expect((await runOnetrip(["migrate", ...args, "--rls"])).stdout).toContain("  applied  row-level-security\n");
  });
});
