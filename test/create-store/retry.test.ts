import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import type { StoreEvent } from "../../src/index.ts";
import {
  ConnectionError,
  createStore,
  type Driver,
  type Outcome,
  PersistError,
  type Store,
  transaction,
} from "../../src/index.ts";
import { failureOf } from "../contract/store.ts";
import { withNewDatabase } from "../stores/new-database.ts";

describe("the retries of a store", () => {
  const database = withNewDatabase();
  /** What becomes of the next calls: `lost` ones are applied first. Undefined, or none: all is well. */
  const faults: ("lost" | Outcome | undefined)[] = [];
  const heard: StoreEvent[] = [];
  let calls = 0;
  let driver: Driver;
  let store: Store;
  beforeAll(async () => {
    driver = flaky(pg(database().postgres));
    store = await createStore("s", { driver, retry: { baseMs: 1 } });
    await store.migrate();
    store.on("*", (event) => heard.push(event));
  });
  afterAll(() => store.close());
  beforeEach(() => {
    faults.splice(0);
    heard.splice(0);
    calls = 0;
  });

  function flaky(inner: Driver): Driver {
    async function pass<T>(send: () => Promise<T>): Promise<T> {
      calls += 1;
      const fault = faults.shift();
      if (fault === undefined) return send();
      if (fault === "lost") await send();
      throw new ConnectionError("flaky", { outcome: fault === "lost" ? "unknown" : fault });
    }
    return {
      ...inner,
      query: (statement, options) => pass(() => inner.query(statement, options)),
      batch: (statements, options) => pass(() => inner.batch(statements, options)),
    };
  }

  const told = (type: string) => heard.filter((event) => event.type === type || type === "*");

  it("repeat reads whatever became of them, and say so", async () => {
    await store.records.put("a", 1);
    const { records, events, kv, sql } = store;
    const reads = [
      () => records.get("a"),
      () => records.list(),
      () => events.list({ stream: "s" }),
      () => events.readAll(),
      () => kv.get("a"),
      () => sql`select 1 as one`,
      () => sql`select key from ${sql.records}`,
    ];
    for (const read of reads) {
      calls = 0;
      faults.push("lost", "not-sent");
      await read();
      expect(calls).toBe(3);
    }
    expect(told("retry").slice(0, 2)).toEqual([
      {
        type: "retry",
        store: "s",
        operation: "records.get",
        attempt: 1,
        waitMs: expect.any(Number),
        code: "connection",
        outcome: "unknown",
      },
      {
        type: "retry",
        store: "s",
        operation: "records.get",
        attempt: 2,
        waitMs: expect.any(Number),
        code: "connection",
        outcome: "not-sent",
      },
    ]);
    // One for the put.
    expect(told("query")).toHaveLength(1 + reads.length);
  });

  it("repeat a write that was not applied, and never one that may have been", async () => {
    faults.push("not-sent", "rejected", "rolled-back");
    expect(await store.kv.increment("safe")).toBe(1);
    faults.push("lost");
    expect(await failureOf(store.kv.increment("safe"))).toMatchObject({ code: "connection", outcome: "unknown" });
    expect(await store.kv.get("safe")).toBe(2);
    faults.push("lost");
    await failureOf(store.sql.write`select 1`);
    faults.push("lost");
    await failureOf(store.transaction([{ op: "kv.increment", key: "safe" }]));
    expect(await store.kv.get("safe")).toBe(3);
    faults.push("lost");
    await failureOf(transaction([{ store, operations: [{ op: "kv.increment", key: "safe" }] }]));
    expect(await store.kv.get("safe")).toBe(4);
  });

  it("repeat a write with a key, which is done once", async () => {
    faults.push("lost", "lost");
    expect(await store.kv.increment("keyed", 1, { idempotencyKey: "k1" })).toBe(1);
    faults.push("lost");
    expect(await store.transaction([{ op: "kv.increment", key: "keyed" }], { idempotencyKey: "k2" })).toEqual([2]);
    faults.push("lost");
    const parts = [{ store, operations: [{ op: "kv.increment", key: "keyed" }] }] as const;
    expect(await transaction(parts, { idempotencyKey: "k3" })).toEqual([[3]]);
    expect(await store.kv.get("keyed")).toBe(3);
    expect(told("kv:set")).toHaveLength(3);
    expect(told("retry").map((event) => event.type === "retry" && event.operation)).toEqual([
      "kv.increment",
      "kv.increment",
      "transaction",
      "transaction",
    ]);
  });

  it("repeat an append, which its ids make safe, and tell listeners of it once", async () => {
    faults.push("lost");
    expect(await store.events.append("log", ["a", "b"])).toMatchObject([{ version: 1 }, { version: 2 }]);
    expect(await store.events.list({ stream: "log" })).toHaveLength(2);
    expect(told("event:append")).toEqual([{ type: "event:append", store: "s", stream: "log", count: 2, version: 2 }]);
  });

  it("go on up to the number of attempts, and end with an honest error", async () => {
    faults.push("lost", "not-sent", "not-sent", "not-sent", "not-sent");
    const failure = await failureOf(store.kv.increment("spent", 1, { idempotencyKey: "spent" }));
    expect(failure).toMatchObject({ code: "connection", outcome: "unknown" });
    expect(calls).toBe(4);
  });

  it("are none where that was asked for", async () => {
    const once = await createStore("s", { driver, retry: false });
    faults.push("not-sent");
    expect(await failureOf(once.kv.get("a"))).toMatchObject({ outcome: "not-sent" });
    faults.push("not-sent");
    expect(await failureOf(once.migrate())).toMatchObject({ outcome: "not-sent" });
    expect(calls).toBe(2);
  });

  it("are around the migrations: what fails on the way to a new schema is tried again as a whole", async () => {
    const fresh = await createStore("s", { driver, schema: "fresh", retry: { baseMs: 1 } });
    // The statement, refused for the missing schema; the migration, lost; the statement again; a migration that finds all done.
    faults.push(undefined, "lost");
    expect(await fresh.kv.increment("n")).toBe(1);
    expect(calls).toBe(3);

    const other = await createStore("s", { driver, schema: "other", retry: { baseMs: 1 } });
    calls = 0;
    faults.push("not-sent", undefined, "not-sent", undefined);
    expect(await other.kv.increment("n")).toBe(1);
    expect(calls).toBe(6);
  });

  it("bring the schema up to date through a lost reply", async () => {
    const fresh = await createStore("s", { driver, schema: "brought", retry: { baseMs: 1 } });
    faults.push("not-sent", "lost");
    expect(await fresh.migrate()).toMatchObject({ applied: [] });
    expect(calls).toBe(3);
  });

  it("keep to the deadline of the call", async () => {
    const patient = await createStore("s", { driver, retry: { attempts: 100, baseMs: 20, maxMs: 20 } });
    faults.push(...Array.from({ length: 100 }, () => "not-sent" as const));
    const failure = await failureOf(patient.kv.get("a", { timeoutMs: 60 }));
    expect(failure).toBeInstanceOf(PersistError);
    expect(calls).toBeGreaterThan(1);
    expect(calls).toBeLessThan(100);
  });
});
