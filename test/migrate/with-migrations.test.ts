import { describe, expect, it, vi } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { BatchOptions, CallOptions, Driver, Row, Statement } from "../../src/driver.ts";
import { ConnectionError, PersistError } from "../../src/errors.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { type MigrateMode, withMigrations } from "../../src/migrate/with-migrations.ts";
import { failureOf } from "../contract/store.ts";
import { withNewDatabase } from "../stores/new-database.ts";

const statement: Statement = { text: "select 1 as one", params: [] };
const missing = (sqlstate: string) => new PersistError("database", "missing", { outcome: "rejected", sqlstate });

interface Scripted {
  /** What the statement answers, call by call; the last goes for all later calls. */
  readonly query: readonly (() => Promise<Row[]>)[];
  readonly batch?: (options: BatchOptions | undefined) => Promise<Row[][]>;
}

/** A driver that follows a script, and what it was asked for. */
function scripted({ query, batch = async () => [[]] }: Scripted, mode: MigrateMode = "auto") {
  const calls: { readonly queries: (CallOptions | undefined)[]; batches: number } = { queries: [], batches: 0 };
  const inner: Driver = {
    name: "scripted",
    query(_, options) {
      const answer = query[Math.min(calls.queries.length, query.length - 1)];
      calls.queries.push(options);
      return answer ? answer() : Promise.resolve([]);
    },
    batch(_, options) {
      calls.batches++;
      return batch(options);
    },
    close: async () => undefined,
  };
  return { calls, driver: withMigrations(inner, { mode, set: [], names: { schema: "s" } }) };
}

const fails = (error: unknown) => () => Promise.reject(error);
const succeeds = async () => [{ one: 1 }];

describe("withMigrations", () => {
  for (const sqlstate of ["42P01", "42703", "42883", "3F000"]) {
    it(`migrates on ${sqlstate}, then sends the statement once more`, async () => {
      const { calls, driver } = scripted({ query: [fails(missing(sqlstate)), succeeds] });
      expect(await driver.query(statement)).toEqual([{ one: 1 }]);
      expect(calls).toMatchObject({ queries: { length: 2 }, batches: 1 });
    });
  }

  it("passes on what is still missing after the migration, and every other error at once", async () => {
    const still = scripted({ query: [fails(missing("42P01"))] });
    expect(await failureOf(still.driver.query(statement))).toMatchObject({ code: "database", sqlstate: "42P01" });
    expect(still.calls).toMatchObject({ queries: { length: 2 }, batches: 1 });

    const other = scripted({ query: [fails(missing("23505"))] });
    expect(await failureOf(other.driver.query(statement))).toMatchObject({ sqlstate: "23505" });
    expect(other.calls.batches).toBe(0);
  });

  it("says what to run with `check`, and nothing with `off`", async () => {
    const check = scripted({ query: [fails(missing("42P01"))] }, "check");
    const failure = await failureOf(check.driver.query(statement));
    expect(failure).toMatchObject({
      code: "migration",
      outcome: "rejected",
      message: expect.stringContaining("store.migrate()"),
    });
    const off = scripted({ query: [fails(missing("42P01"))] }, "off");
    expect(await failureOf(off.driver.query(statement))).toMatchObject({ code: "database", sqlstate: "42P01" });
    expect([check.calls, off.calls]).toMatchObject([{ batches: 0 }, { batches: 0 }]);
  });

  it("shares one attempt between calls, and forgets one that failed", async () => {
    let isUp = false;
    const attempts = [fails(new ConnectionError("lost", { outcome: "unknown" })), async () => [[]]];
    const { calls, driver } = scripted({
      query: [() => (isUp ? succeeds() : Promise.reject(missing("42P01")))],
      batch: async () => {
        const answer = await attempts[calls.batches - 1]?.();
        isUp = true;
        return answer ?? [];
      },
    });
    const first = await Promise.all(Array.from({ length: 8 }, () => failureOf(driver.query(statement))));
    expect(calls.batches).toBe(1);
    // The migration's outcome is unknown, the statement's is not: the server refused it.
    for (const failure of first) {
      expect(failure).toBeInstanceOf(ConnectionError);
      expect(failure).toMatchObject({ outcome: "rejected", retryable: true });
    }
    const second = await Promise.all(Array.from({ length: 8 }, () => driver.query(statement)));
    expect(second).toHaveLength(8);
    expect(calls.batches).toBe(2);
  });

  it("does not let one caller's signal end the attempt of the others", async () => {
    let finish: () => void = () => undefined;
    const migrated = new Promise<Row[][]>((resolve) => {
      finish = () => resolve([[]]);
    });
    let isUp = false;
    const { driver, calls } = scripted({
      query: [() => (isUp ? succeeds() : Promise.reject(missing("42P01")))],
      batch: () => migrated,
    });
    const gaveUp = new AbortController();
    const aborted = failureOf(driver.query(statement, { signal: gaveUp.signal }));
    const patient = driver.query(statement);
    await vi.waitFor(() => expect(calls.batches).toBe(1));
    gaveUp.abort();
    expect(await aborted).toMatchObject({ code: "aborted", outcome: "not-sent" });
    isUp = true;
    finish();
    expect(await patient).toEqual([{ one: 1 }]);
  });

  it("has one deadline for the statement, the migration and the second sending", async () => {
    const hanging = scripted({ query: [fails(missing("42P01"))], batch: () => new Promise(() => undefined) });
    expect(await failureOf(hanging.driver.query(statement, { timeoutMs: 50 }))).toMatchObject({
      code: "timeout",
      outcome: "not-sent",
    });

    const slow = scripted({
      query: [fails(missing("42P01")), succeeds],
      batch: () => new Promise((resolve) => setTimeout(resolve, 60, [[]])),
    });
    await slow.driver.query(statement, { timeoutMs: 5_000 });
    const [first, second] = slow.calls.queries;
    expect(first?.timeoutMs).toBe(5_000);
    expect(second?.timeoutMs).toBeLessThanOrEqual(4_945);
  });
});

describe("a schema that is up to date", () => {
  const database = withNewDatabase();

  it("costs a new process nothing: its first call sends the user's statement and no other", async () => {
    const cold = await createStore("s", { driver: pg(database().postgres) });
    await cold.records.put("a", 1);
    await cold.close();

    const inner = pg(database().postgres);
    const query = vi.spyOn(inner, "query");
    const batch = vi.spyOn(inner, "batch");
    const warm = await createStore("s", { driver: inner });
    await warm.records.put("a", 2);
    await warm.kv.get("a");
    await warm.close();
    expect(query.mock.calls.map(([{ text }]) => text)).toEqual([
      'select status, version, updated_at from "persist".record_put($1, $2, $3, $4)',
      expect.stringMatching(/^select key, value/),
    ]);
    expect(batch).not.toHaveBeenCalled();
  });

  it("is created by the first call of any kind, and only when asked to", async () => {
    const open = (schema: string, mode: MigrateMode) =>
      createStore("s", { driver: pg(database().postgres), schema, migrate: mode });
    const read = await open("by_read", "auto");
    expect(await read.records.find("a")).toBeUndefined();
    const checked = await open("never", "check");
    expect(await failureOf(checked.kv.get("a"))).toMatchObject({ code: "migration" });
    const off = await open("never", "off");
    expect(await failureOf(off.events.append("a", 1))).toMatchObject({ code: "database", sqlstate: "3F000" });
    expect((await off.migrate()).applied).toHaveLength(storeMigrations.length);
    expect((await checked.events.append("a", 1)).version).toBe(1);
    for (const store of [read, checked, off]) await store.close();
  });
});
