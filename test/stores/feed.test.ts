import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { withNewDatabase } from "./new-database.ts";

describe("the place of a write in the change feed", () => {
  const database = withNewDatabase();
  let driver: Driver;
  let store: Store;
  beforeAll(async () => {
    driver = postgres(database().postgres, { poolSize: 16 });
    store = await createStore("feed", { driver });
    await store.migrate();
  });
  afterAll(() => store.close());

  async function places(): Promise<{ readonly lane: number; readonly seq: number }[]> {
    const tables = ["persist_records", "persist_events", "persist_kv"];
    const text = tables
      .map((table) => `select lane::int, seq::text from persist.${table} where store = 'feed'`)
      .join(" union all ");
    const rows = await driver.query({ text, params: [] });
    return rows.map((row) => ({ lane: Number(row["lane"]), seq: Number(row["seq"]) }));
  }

  async function clock(): Promise<Map<number, number>> {
    const text = "select lane::int, seq::text from persist.persist_sync_clock where store = 'feed'";
    const rows = await driver.query({ text, params: [] });
    return new Map(rows.map((row) => [Number(row["lane"]), Number(row["seq"])]));
  }

  async function placeOf(key: string) {
    const text = "select lane::int, seq::text from persist.persist_records where store = 'feed' and key = $1";
    const [row] = await driver.query({ text, params: [key] });
    return { lane: Number(row?.["lane"]), seq: Number(row?.["seq"]) };
  }

  it("is its own, in whichever store part it was written, by however many writers at once", async () => {
    await Promise.all(
      Array.from({ length: 60 }, (_, i) => [
        store.records.put(`key-${i}`, i),
        store.events.append(`stream-${i % 7}`, [i, i]),
        store.kv.set(`key-${i}`, i),
      ]).flat(),
    );
    const all = await places();
    expect(all).toHaveLength(240);
    expect(new Set(all.map(({ lane, seq }) => `${lane}:${seq}`)).size).toBe(240);
    const heads = await clock();
    for (const { lane, seq } of all) expect(seq).toBeLessThanOrEqual(heads.get(lane) ?? 0);
  });

  it("moves ahead of everything in its lane when a record is written again or deleted", async () => {
    const write = [
      () => store.records.put("moving", 1),
      () => store.records.put("moving", 2),
      () => store.records.delete("moving"),
      () => store.records.put("moving", 3, { expectedVersion: "absent" }),
      () => store.records.put("moving", 4, { expectedVersion: 4 }),
    ];
    for (const step of write) {
      const before = await clock();
      await step();
      const { lane, seq } = await placeOf("moving");
      expect(seq).toBeGreaterThan(before.get(lane) ?? 0);
      expect((await clock()).get(lane)).toBe(seq);
    }
  });

  it("stays where it is when nothing is written", async () => {
    await store.events.append("once", 1, { id: "once-1" });
    await store.kv.set("gone", 1, { ttl: 0.001 });
    const before = await clock();
    await store.events.append("once", 1, { id: "once-1" });
    expect(await store.records.delete("nothing")).toBe(false);
    expect(await store.kv.delete("nothing")).toBe(false);
    expect(await store.kv.delete("gone")).toBe(false);
    expect(await clock()).toEqual(before);
  });

  it("is counted for each store by itself, under one epoch for all lanes", async () => {
    const other = await createStore("other", { driver });
    await other.records.put("key-0", "theirs");
    expect((await store.records.get("key-0")).value).toBe(0);
    const rows = await driver.query({
      text: "select store, count(distinct epoch)::int as epochs, min(lane)::int as first from persist.persist_sync_clock group by store order by store",
      params: [],
    });
    expect(rows).toEqual([
      { store: "feed", epochs: 1, first: 0 },
      { store: "other", epochs: 1, first: 0 },
    ]);
  });
});
