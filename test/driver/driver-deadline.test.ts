import { describe, expect, inject, it } from "vitest";
import { readPosition } from "../../src/create-store/read-position.ts";
import { replicaReads } from "../../src/create-store/replica-reads.ts";
import { coalesceReads } from "../../src/driver/coalesce-reads.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import { withRetry } from "../../src/driver/retry.ts";
import type { CallOptions, Driver, Row } from "../../src/driver.ts";
import { ConnectionError, createStore, PersistError } from "../../src/index.ts";
import { withMigrations } from "../../src/migrate/with-migrations.ts";

const one = { text: "select 1 as one", params: [] };
const OWN_MS = 1_000;

type Answer = (options: CallOptions | undefined) => Promise<Row[]>;

/** A driver with a deadline of its own, that notes the deadlines it is given and answers by a script. */
function scripted(...script: Answer[]) {
  const given: (number | undefined)[] = [];
  const next: Answer = (options) => {
    given.push(options?.timeoutMs);
    return (script.length > 1 ? script.shift() : script[0])?.(options) ?? Promise.resolve([]);
  };
  const driver: Driver = {
    name: "scripted",
    timeoutMs: OWN_MS,
    query: (_, options) => next(options),
    batch: async (_, options) => [await next(options)],
    close: async () => undefined,
  };
  return { driver, given };
}

const answers: Answer = async () => [];
const refuses: Answer = () => Promise.reject(new ConnectionError("refused", { outcome: "not-sent" }));

describe("the deadline of a driver, for a call that names none", () => {
  const withinOwn = (deadlines: readonly (number | undefined)[]) => {
    expect(deadlines).not.toHaveLength(0);
    for (const deadline of deadlines) expect(deadline ?? OWN_MS).toBeLessThanOrEqual(OWN_MS);
  };

  it("is shown by every wrapper", () => {
    const { driver } = scripted(answers);
    const migrations = { mode: "off", set: [], names: { schema: "s" } } as const;
    const position = readPosition("s");
    expect(withRetry(withMigrations(driver, migrations)).timeoutMs).toBe(OWN_MS);
    expect(replicaReads(driver, [], { store: "s", clock: one, position }).timeoutMs).toBe(OWN_MS);
    expect(pg("postgresql://h/d", { timeoutMs: OWN_MS }).timeoutMs).toBe(OWN_MS);
  });

  it("holds for what is sent after a first attempt", async () => {
    const { driver, given } = scripted(refuses, answers);
    await withRetry(driver, { baseMs: 1 }).query(one);
    expect(given).toHaveLength(2);
    withinOwn(given);
  });

  it("ends the attempts", async () => {
    let ms = 0;
    const { driver, given } = scripted(() => {
      ms += 400;
      return refuses(undefined);
    });
    const retrying = withRetry(driver, { attempts: 50, baseMs: 1, now: () => ms, sleep: async () => undefined });
    await expect(retrying.query(one)).rejects.toThrow("refused");
    expect(given).toHaveLength(3);
  });

  it("holds for replicas, and for the primary behind them", async () => {
    const primary = scripted(answers);
    const replica = scripted(() => Promise.reject(new PersistError("timeout", "late", { outcome: "unknown" })));
    const reads = replicaReads(primary.driver, [replica.driver], {
      store: "s",
      clock: one,
      position: readPosition("s"),
    });
    await reads.query(one);
    expect(replica.given[0]).toBeLessThanOrEqual(OWN_MS / 2);
    withinOwn(primary.given);
  });

  it("holds behind a migration", async () => {
    const missing: Answer = () =>
      Promise.reject(new PersistError("database", "no table", { outcome: "rejected", sqlstate: "42P01" }));
    const { driver, given } = scripted(missing, answers);
    const migrated = withMigrations(driver, { mode: "auto", set: [], names: { schema: "s" } });
    await migrated.query(one).catch(() => undefined);
    expect(given[0]).toBeUndefined();
    expect(given.at(-1)).toBeLessThanOrEqual(OWN_MS);
  });

  it("holds for reads that leave their batch", async () => {
    const fails: Answer = () => Promise.reject(new PersistError("database", "no", { outcome: "rolled-back" }));
    const { driver, given } = scripted(fails, answers);
    const read = coalesceReads(driver);
    await Promise.all([read(one), read(one)]);
    expect(given).toHaveLength(3);
    withinOwn(given);
  });

  it("holds for the pages of a list", async () => {
    const { driver, given } = scripted(answers);
    const store = await createStore("s", { driver });
    await store.records.list({ filter: () => true });
    withinOwn(given);
    expect(given[0]).toBeDefined();
  });
});

describe.each([
  { name: "pg", open: pg },
  { name: "postgres", open: postgres },
])("a time over $name that no timer can hold", ({ open }) => {
  it.each([Number.POSITIVE_INFINITY, 30 * 86_400_000])("is a long one: %d ms", async (ms) => {
    const driver = open(inject("servers").postgres, { connectTimeoutMs: ms, idleTimeoutMs: ms });
    const sleep = { text: "select pg_sleep(0.05)::text as slept", params: [] };
    expect(await driver.query(sleep, { timeoutMs: ms })).toEqual([{ slept: "" }]);
    await driver.close();
  });
});
