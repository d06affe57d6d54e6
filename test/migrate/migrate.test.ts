import { randomBytes } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver, Row } from "../../src/driver.ts";
import { PersistError } from "../../src/errors.ts";
import { profileMigrations, storeMigrations } from "../../src/migrate/embedded.ts";
import { migrate } from "../../src/migrate/migrate.ts";
import type { Migration } from "../../src/migrate/migration.ts";
import { migrationPlan } from "../../src/migrate/plan.ts";
import { failureOf } from "../contract/store.ts";
import { withNewDatabase } from "../stores/new-database.ts";

const database = withNewDatabase();
const good: Migration = {
  id: 1,
  name: "good",
  sql: "create table persist.good (a int); create table persist.too (a int);",
  checksum: "01",
};
const broken: Migration = {
  id: 2,
  name: "broken",
  sql: "create table persist.half (a int); select no_such_function();",
  checksum: "02",
};

async function using<T>(work: (driver: Driver) => Promise<T>, url = database().postgres): Promise<T> {
  const driver = pg(url);
  try {
    return await work(driver);
  } finally {
    await driver.close();
  }
}

const ask = (driver: Driver, text: string): Promise<Row[]> => driver.query({ text, params: [] });
const tablesOf = (driver: Driver, schema: string) =>
  ask(
    driver,
    `select relname as name from pg_class where relnamespace = to_regnamespace('${schema}') and relkind = 'r'`,
  );

const heldLocks = `select exists (
  select 1 from pg_locks l join pg_database d on d.oid = l.database
  where d.datname = current_database() and l.locktype = 'advisory' and l.granted) as held`;

describe("migrate", () => {
  it("applies each migration once, and reports it", () =>
    using(async (driver) => {
      const names = { schema: "Twice" };
      const applied = storeMigrations.map(({ name }) => name);
      expect(await migrate(driver, storeMigrations, names)).toEqual({ applied, already: 0, ahead: 0 });
      expect(await migrate(driver, storeMigrations, names)).toEqual({ applied: [], already: applied.length, ahead: 0 });
      const ledger = await ask(driver, `select id, name, checksum from "Twice".persist_migrations order by id`);
      expect(ledger).toEqual(storeMigrations.map(({ id, name, checksum }) => ({ id, name, checksum })));
    }));

  it("applies what is new and leaves what was applied", () =>
    using(async (driver) => {
      const names = { schema: "forward" };
      await migrate(driver, [good], names);
      const next = { ...good, id: 2, name: "next", sql: "create table persist.next (a int);" };
      expect(await migrate(driver, [good, next], names)).toEqual({ applied: ["next"], already: 1, ahead: 0 });
      // The code of before, on the schema of after.
      expect(await migrate(driver, [good], names)).toEqual({ applied: [], already: 1, ahead: 1 });
    }));

  it("keeps profiles under prefixes apart, in one schema with the stores", () =>
    using(async (driver) => {
      for (const tablePrefix of ["pson_", "other_"]) {
        const names = { schema: "shared", tablePrefix };
        expect((await migrate(driver, profileMigrations, names)).applied).toHaveLength(profileMigrations.length);
      }
      await migrate(driver, storeMigrations, { schema: "shared" });
      const tables = (await tablesOf(driver, "shared")).map(({ name }) => name);
      expect(tables).toEqual(
        expect.arrayContaining(["pson_profiles", "other_profiles", "pson_migrations", "persist_records"]),
      );
    }));

  it("leaves nothing of a migration that fails half-way", () =>
    using(async (driver) => {
      const failure = await failureOf(migrate(driver, [good, broken], { schema: "half" }));
      expect(failure).toBeInstanceOf(PersistError);
      expect(failure).toMatchObject({ sqlstate: "42883", outcome: "rolled-back" });
      expect(await ask(driver, "select 1 as there from pg_namespace where nspname = 'half'")).toEqual([]);
      await migrate(driver, [good], { schema: "half" });
      await failureOf(migrate(driver, [good, broken], { schema: "half" }));
      expect((await tablesOf(driver, "half")).map(({ name }) => name).sort()).toEqual([
        "good",
        "persist_migrations",
        "too",
      ]);
    }));

  it("refuses a migration that was edited after it was applied", () =>
    using(async (driver) => {
      await migrate(driver, [good], { schema: "edited" });
      const failure = await failureOf(migrate(driver, [{ ...good, checksum: "ff" }], { schema: "edited" }));
      expect(failure).toMatchObject({ code: "migration", sqlstate: "OT001", outcome: "rolled-back" });
    }));

  it("soon says so when something else has the name of a table", () =>
    using(async (driver) => {
      await driver.batch([
        { text: "create schema taken", params: [] },
        { text: "create table taken.good (b int)", params: [] },
      ]);
      const failure = await failureOf(migrate(driver, [good], { schema: "taken" }, { random: () => 0 }));
      expect(failure).toMatchObject({
        code: "migration",
        sqlstate: "42P07",
        message: expect.stringContaining("same name"),
      });
    }));

  it("gives up at its deadline while somebody else holds the lock", () =>
    using(async (holder) => {
      const [lock] = migrationPlan([], { schema: "held" }, 1).slice(1);
      const held = holder.batch([...(lock ? [lock] : []), { text: "select pg_sleep(1.5)", params: [] }]);
      await using((driver) =>
        vi.waitFor(async () => expect(await ask(driver, heldLocks)).toEqual([{ held: true }]), { interval: 10 }),
      );
      const options = { timeoutMs: 500, lockTimeoutMs: 50 };
      const failure = await failureOf(using((driver) => migrate(driver, [good], { schema: "held" }, options)));
      expect(failure).toMatchObject({ code: "timeout" });
      // A longer deadline outlasts the holder: lock timeouts on the way are tried again.
      await using((driver) => migrate(driver, [good], { schema: "held" }, { lockTimeoutMs: 50 }));
      await held;
    }));
});

describe("a role that may not create schemas", () => {
  const role = `role_${randomBytes(6).toString("hex")}`;
  const asRole = () => {
    const url = new URL(database().postgres);
    url.username = role;
    url.password = "x";
    return url.href;
  };

  it("migrates a schema that is there, and is told what it lacks where none is", async () => {
    await using((driver) => ask(driver, `create role ${role} login password 'x'`));
    try {
      const failure = await using(
        (driver) => failureOf(migrate(driver, storeMigrations, { schema: "none" })),
        asRole(),
      );
      expect(failure).toMatchObject({
        code: "migration",
        sqlstate: "42501",
        message: expect.stringContaining("grant"),
      });

      await using((driver) => ask(driver, `create schema theirs authorization ${role}`));
      const store = await createStore("s", { driver: pg(asRole()), schema: "theirs" });
      expect((await store.records.put("a", 1)).version).toBe(1);
      await store.close();
    } finally {
      await using((driver) => ask(driver, "drop schema if exists theirs cascade"));
      await using((driver) => ask(driver, `drop role ${role}`));
    }
  });

  it("needs no right to create where nothing is missing", async () => {
    await using((driver) => migrate(driver, storeMigrations, { schema: "ready" }));
    await using((driver) =>
      driver.batch(
        [
          `create role ${role} login password 'x'`,
          `grant usage on schema ready to ${role}`,
          `grant select, insert, update, delete on all tables in schema ready to ${role}`,
        ].map((text) => ({ text, params: [] })),
      ),
    );
    try {
      const store = await createStore("s", { driver: pg(asRole()), schema: "ready" });
      expect((await store.records.put("a", 1)).version).toBe(1);
      expect(await store.migrate()).toMatchObject({ applied: [] });
      await store.close();
    } finally {
      await using((driver) => ask(driver, `drop owned by ${role}`));
      await using((driver) => ask(driver, `drop role ${role}`));
    }
  });
});
