import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver, Row } from "../../src/driver.ts";
import { withNewDatabase } from "./new-database.ts";

describe("entries that expire", () => {
  const database = withNewDatabase();
  let driver: Driver;
  let store: Store;
  beforeAll(async () => {
    driver = pg(database().postgres, { poolSize: 12 });
    store = await createStore("kv", { driver });
    await store.migrate();
  });
  afterAll(() => store.close());

  const ask = (text: string): Promise<Row[]> => driver.query({ text, params: [] });

  it("and are refreshed lose no fresh value to 1,000 rounds of sweeps, and no reader sees an expired one", async () => {
    const { kv } = store;
    const writers = 4;
    const rounds = 250;
    let writing = true;
    /** By key, the last value that is known to be over. */
    const expired = new Map<string, number>();

    async function refresh(writer: number) {
      const key = `race-${writer}`;
      for (let round = 1; round <= rounds; round++) {
        const short = round * 2;
        await kv.set(key, short, { ttl: 1 });
        while ((await kv.get(key)) !== undefined);
        expired.set(key, short);
        const fresh = short + 1;
        if (round % 4 === 0) expect(await kv.setIfAbsent(key, fresh)).toBe(true);
        else if (round % 4 === 1) expect(await kv.increment(key, fresh)).toBe(fresh);
        else if (round % 4 === 2) await kv.setMany([[key, fresh]], { ttl: 600_000 });
        else await kv.set(key, fresh);
        expect(await kv.get(key)).toBe(fresh);
        if (round % 5 === 0) await kv.delete(key);
      }
    }

    let swept = 0;
    async function sweep() {
      while (writing) swept += await kv.sweep();
    }

    let reads = 0;
    async function read() {
      const keys = Array.from({ length: writers }, (_, i) => `race-${i}`);
      while (writing) {
        const over = new Map(expired);
        const values = await kv.getMany<number>(keys);
        for (const [i, key] of keys.entries()) {
          expect(values[i] ?? Number.POSITIVE_INFINITY).toBeGreaterThan(over.get(key) ?? 0);
        }
        reads += 1;
      }
    }

    const all = Promise.all(Array.from({ length: writers }, (_, i) => refresh(i))).finally(() => {
      writing = false;
    });
    await Promise.all([all, sweep(), sweep(), read(), read()]);
    expect(swept).toBeGreaterThan(50);
    expect(reads).toBeGreaterThan(50);
  });

  it("are not deleted by those who read them", async () => {
    const { kv } = store;
    await kv.set("read", 1, { ttl: 0.001 });
    expect(await kv.get("read")).toBeUndefined();
    expect(await kv.getMany(["read"])).toEqual([undefined]);
    expect(await kv.has("read")).toBe(false);
    expect(await kv.list({ prefix: "read" })).toEqual([]);
    expect(await kv.compareAndSet("read", 1, 2)).toBe(false);
    expect(await ask("select value, deleted from persist.persist_kv where store = 'kv' and key = 'read'")).toEqual([
      { value: 1, deleted: false },
    ]);
  });

  it("go when they are swept, or leave a tombstone in their place where a replica may hold an earlier value", async () => {
    const { kv } = store;
    const rows = () =>
      ask(
        "select key, value, deleted, expires_at is null as stays, version::int, lane::int, seq::text from persist.persist_kv where store = 'kv' and key like 'swept%' order by key",
      );
    const clock = () =>
      ask("select lane::int, seq::text from persist.persist_sync_clock where store = 'kv' order by lane");
    await kv.set("swept-once", 1, { ttl: 0.001 });
    await kv.set("swept-twice", 1);
    await kv.set("swept-twice", 2, { ttl: 0.001 });
    const before = await rows();
    const time = await clock();
    await kv.sweep();
    expect(await rows()).toEqual([{ ...before[1], value: null, deleted: true, stays: true }]);
    expect(await clock()).toEqual(time);
    await kv.set("swept-twice", 3);
    expect(await kv.list({ prefix: "swept-twice" })).toMatchObject([{ value: 3, version: 3 }]);
  });

  it("are left to the next sweep while somebody writes them", async () => {
    const { kv } = store;
    await kv.sweep();
    await kv.set("held", 1, { ttl: 0.001 });
    const holder = new pgPackage.Client(database().postgres);
    await holder.connect();
    await holder.query("begin");
    await holder.query("select version from persist.kv_set($1, $2, $3, null, null)", ["kv", "held", "2"]);
    expect(await kv.sweep()).toBe(0);
    await holder.query("commit");
    await holder.end();
    expect(await kv.get("held")).toBe(2);
  });
});
