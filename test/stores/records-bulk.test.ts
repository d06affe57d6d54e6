import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { failureOf } from "../contract/store.ts";
import { withNewDatabase } from "./new-database.ts";

describe("writes of many records", () => {
  const database = withNewDatabase();
  let driver: Driver;
  let store: Store;
  let client: pgPackage.Client;
  beforeAll(async () => {
    driver = pg(database().postgres, { poolSize: 12 });
    store = await createStore("bulk", { driver });
    await store.migrate();
    client = new pgPackage.Client(database().postgres);
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await store.close();
  });

  async function places(prefix: string): Promise<readonly { readonly lane: number; readonly seq: number }[]> {
    const text = `select lane::int, seq::text from persist.persist_records
where store = 'bulk' and starts_with(key, $1) order by key`;
    const rows = await driver.query({ text, params: [prefix] });
    return rows.map((row) => ({ lane: Number(row["lane"]), seq: Number(row["seq"]) }));
  }

  async function clock(): Promise<readonly unknown[]> {
    const text = "select lane::int, seq::text from persist.persist_sync_clock where store = 'bulk' order by lane";
    return driver.query({ text, params: [] });
  }

  it("take consecutive places in the change feed, in key order", async () => {
    await store.records.put("f/c", 0);
    for (const expectedVersion of [undefined, "present"] as const) {
      const entries = ["f/d", "f/a", "f/c", "f/b"].map((key) => ({ key, value: expectedVersion ?? null }));
      await store.records.putMany([{ key: "f/c", value: 1, expectedVersion }, ...entries]);
      const [first, ...others] = await places("f/");
      for (const [index, place] of others.entries()) {
        expect(place).toEqual({ lane: first?.lane, seq: Number(first?.seq) + index + 1 });
      }
    }
    await store.records.deleteMany(["f/d", "f/none", "f/a"]);
    const [a, b, , d] = await places("f/");
    expect(d).toEqual({ lane: a?.lane, seq: Number(a?.seq) + 1 });
    expect(a?.lane !== b?.lane || Number(a?.seq) > Number(b?.seq)).toBe(true);
  });

  it("do not move the feed when they change nothing", async () => {
    const { records } = store;
    await records.put("n/1", { a: 1 });
    const before = await clock();
    expect(await records.deleteMany(["n/2", "n/3"])).toBe(0);
    await records.patch("n/1", { a: 1, b: null });
    await failureOf(records.patch("n/1", { a: 2 }, { expectedVersion: 2 }));
    await failureOf(records.patch("n/2", { a: 2 }));
    await failureOf(
      records.putMany([
        { key: "n/0", value: 1 },
        { key: "n/1", value: 1, expectedVersion: 2 },
      ]),
    );
    expect(await clock()).toEqual(before);
    expect(await places("n/0")).toEqual([]);
  });

  it("leave nothing behind when an expectation fails only after a wait for another writer", async () => {
    await store.records.put("w/b", "before");
    await client.query("begin");
    await client.query("select status from persist.record_put('bulk', 'w/b', '1', null)");
    const waiting = failureOf(
      store.records.putMany([
        { key: "w/a", value: "new", expectedVersion: "absent" },
        { key: "w/b", value: "new", expectedVersion: 1 },
        { key: "w/c", value: "new" },
      ]),
    );
    await expect.poll(async () => (await lockWaits()).length).toBe(1);
    await client.query("commit");
    expect(await waiting).toMatchObject({ code: "conflict", part: 1, currentVersion: 2 });
    expect(await places("w/")).toHaveLength(1);
    expect((await store.records.put("w/a", 1)).version).toBe(1);
  });

  async function lockWaits(): Promise<readonly unknown[]> {
    const text = `select pid::int from pg_stat_activity
where wait_event_type = 'Lock' and query like '%record_put_many%' and datname = current_database()`;
    return driver.query({ text, params: [] });
  }

  it("never wait for each other in a circle, whoever writes which records in which order", async () => {
    const keys = Array.from({ length: 12 }, (_, i) => `c/${i}`);
    const pick = (seed: number) => keys.filter((_, i) => (seed * 7 + i * 5) % 3 !== 0);
    const { records } = store;
    const writers = Array.from({ length: 10 }, async (_, writer) => {
      for (let round = 0; round < 40; round++) {
        const seed = writer * 40 + round;
        const chosen = seed % 2 ? pick(seed) : pick(seed).toReversed();
        const entries = chosen.map((key, i) => ({
          key,
          value: seed,
          ...(i === 0 && { expectedVersion: "absent" as const }),
        }));
        const calls = [
          () => records.putMany(chosen.map((key) => ({ key, value: seed }))),
          () => records.deleteMany(chosen),
          () => records.putMany(entries),
          () => push(writer, round, chosen),
        ];
        await calls[seed % calls.length]?.().catch((error: unknown) => {
          // A conflict is an answer; a deadlock would come as SQLSTATE 40P01.
          if ((error as { code?: string }).code !== "conflict") throw error;
        });
      }
    });
    await Promise.all(writers);
    const all = await places("c/");
    expect(new Set(all.map(({ lane, seq }) => `${lane}:${seq}`)).size).toBe(keys.length);
  });

  /** Mutations of a device, in their own order, as the other way to write several records. */
  async function push(writer: number, round: number, keys: readonly string[]): Promise<void> {
    const mutations = keys.map((key, i) => ({ id: i + 1, op: "put", key, value: round, base: 0 }));
    await driver.query({
      text: "select status from persist.sync_push($1, $2, $3, $4)",
      params: ["bulk", `device-${writer}-${round}`, "p", JSON.stringify(mutations)],
    });
  }
});
