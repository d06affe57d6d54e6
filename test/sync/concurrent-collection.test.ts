import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { collectTombstones } from "../../src/sync/collect.ts";
import { type Change, storeReplica } from "../../src/sync/index.ts";
import { untilWaiting } from "../servers/lock-waits.ts";
import { createDatabase, type TestDatabase } from "../servers/provided.ts";
import { page, pullAll, stamp, stateOf } from "./replicas.ts";

let database: TestDatabase;
let driver: Driver;

beforeAll(async () => {
  database = await createDatabase(inject("servers").postgres);
  driver = pg(database.url, { poolSize: 24 });
});
afterAll(async () => {
  await driver.close();
  await database.drop();
});

describe("collection while others write and read", () => {
  it("shows no reader a state that never was: it goes on, or is told to begin again", async () => {
    const store = await createStore("collected", { driver });
    const replica = storeReplica({ driver, store: "collected", principal: "p" });
    const keys = Array.from({ length: 30 }, (_, n) => `k${n}`);
    let isWriting = true;
    let resyncs = 0;

    async function write(seed: number) {
      for (let n = 0; n < 150; n++) {
        const key = keys[(n * 7 + seed * 11) % keys.length] ?? "";
        await (n % 3 === 0 ? store.records.put(key, `${seed}-${n}`) : store.records.delete(key));
        await (n % 3 === 1 ? store.kv.set(key, `${seed}-${n}`) : store.kv.delete(key));
      }
    }
    async function collect() {
      for (let collected = 0; isWriting || collected > 0; ) {
        collected = await collectTombstones({ driver, store: "collected" }, { olderThanMs: 0, limit: 5 });
      }
    }
    /** Keeps a state by what it reads, as a device does, and begins again when it is told to. */
    async function follow(limit: number) {
      let seen: Change[] = [];
      let cursor: string | null = null;
      for (;;) {
        const wasWriting = isWriting;
        const next = await replica.pull(cursor, limit);
        if ("resync" in next) {
          expect(next.resync).toBe("floor");
          resyncs += 1;
          seen = [];
          cursor = null;
          continue;
        }
        seen.push(...next.changes);
        cursor = next.cursor;
        if (!next.more && !wasWriting) return alive(seen);
      }
    }

    const writing = Promise.all(Array.from({ length: 8 }, (_, n) => write(n))).finally(() => {
      isWriting = false;
    });
    const following = Promise.all([1, 3, 7, 1000].map(follow));
    await Promise.all([writing, collect(), collect(), following]);

    const truth = alive((await pullAll(replica, 1000)).changes);
    const records = await store.records.list({ limit: 1000 });
    expect(
      Object.keys(truth)
        .filter((name) => name.startsWith("record/"))
        .sort(),
    ).toEqual(records.map(({ key }) => `record/${key}`));
    for (const state of await following) expect(state).toEqual(truth);
    expect(resyncs).toBeGreaterThan(0);
  });

  it("undoes a push that would bring back what was collected while it waited", async () => {
    const store = await createStore("waiting", { driver });
    const replica = storeReplica({ driver, store: "waiting", principal: "p" });
    await store.records.put("a", 1);
    await store.records.put("z", 1);
    const { cursor } = await page(replica.pull(null, 10));

    const other = new pgPackage.Client(database.url);
    await other.connect();
    // The tombstone gets a lane of its own: that of the push is left alone.
    await other.query("begin");
    await other.query("select 1 from persist.persist_sync_clock where store = 'waiting' for update");
    await store.records.delete("z");
    await other.query("rollback");

    await other.query("begin");
    await other.query("select 1 from persist.persist_records where store = 'waiting' and key = 'a' for update");
    const pushing = replica.push({
      client: "c",
      cursor,
      mutations: [
        { id: 1, op: "put", key: "a", value: 2, base: 1 },
        { id: 2, op: "put", key: "z", value: 2, hlc: stamp(Date.now() + 60_000 - Date.UTC(2026, 0)) },
      ],
    });
    await untilWaiting(driver);
    expect(await collectTombstones({ driver, store: "waiting" }, { olderThanMs: 0 })).toBe(1);
    await other.query("rollback");
    await other.end();

    expect(await pushing).toEqual({ resync: "floor" });
    expect(await replica.pull(null, 10, { client: "c" })).toMatchObject({ changes: [{ key: "a", value: 1 }] });
    expect(await replica.pull(null, 10, { client: "c" })).not.toHaveProperty("lastMutation");
  });

  it("does not wait for a transaction that stays open, but leaves its lane for the next time", async () => {
    const store = await createStore("open", { driver });
    const target = { driver, store: "open" };
    await store.records.put("a", 1);
    await store.records.delete("a");

    const other = new pgPackage.Client(database.url);
    await other.connect();
    await other.query("begin");
    await other.query("select status from persist.record_put('open', 'b', '1', null)");
    expect(await collectTombstones(target, { olderThanMs: 0, timeoutMs: 5_000 })).toBe(0);
    await other.query("commit");
    await other.end();
    expect(await collectTombstones(target, { olderThanMs: 0 })).toBe(1);
  });
});

function alive(changes: readonly Change[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(stateOf(changes)).filter(([, value]) => value !== "deleted"));
}
