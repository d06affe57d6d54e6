import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { withNewDatabase } from "./new-database.ts";

describe("pruning", () => {
  const database = withNewDatabase();
  let driver: Driver;
  let store: Store;
  beforeAll(async () => {
    driver = pg(database().postgres, { poolSize: 12 });
    store = await createStore("prune", { driver });
    await store.migrate();
  });
  afterAll(() => store.close());

  it("while others append and repeat their appends leaves every stream whole and every answer complete", async () => {
    const streams = ["a", "b", "c"];
    let appending = true;
    async function append(writer: number) {
      for (let n = 0; n < 60; n++) {
        const stream = streams[n % streams.length] ?? "a";
        const id = [`${writer}-${n}-1`, `${writer}-${n}-2`];
        for (const again of [false, true]) {
          const events = await store.events.append(stream, [n, n], { id });
          expect(
            events.map((event) => event.id),
            `again: ${again}`,
          ).toEqual(id);
        }
      }
    }
    async function prune(stream: string | undefined) {
      let pruned = 0;
      while (appending) pruned += await store.events.prune({ stream, keep: 3, limit: 20 });
      return pruned;
    }

    const writing = Promise.all(Array.from({ length: 6 }, (_, i) => append(i))).finally(() => {
      appending = false;
    });
    const [, ...pruned] = await Promise.all([writing, prune(undefined), prune("a"), prune(undefined)]);
    expect(pruned.reduce((sum, count) => sum + count)).toBeGreaterThan(100);

    for (const stream of streams) {
      const before = await store.events.list({ stream, limit: 1000 });
      const { version } = await store.events.append(stream, "last");
      const versions = before.map((event) => event.version);
      expect(versions).toEqual(Array.from({ length: versions.length }, (_, i) => version - versions.length + i));
    }
  });

  it("waits for an append that has found an event there already, so that its answer is complete", async () => {
    const half = await createStore("half", { driver });
    await half.events.append("s", [1, 2], { id: ["h-1", "h-2"] });
    // Stops the append where it has looked and not yet written.
    for (const text of [
      "create function stop_here() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(7); return null; end $$",
      "create trigger stop_here before insert on persist.persist_events for each statement execute function stop_here()",
    ]) {
      await driver.query({ text, params: [] });
    }
    const holder = new pgPackage.Client(database().postgres);
    await holder.connect();
    await holder.query("select pg_advisory_lock(7)");
    const waiting = async (name: string) => {
      const text = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like $1";
      return (await holder.query(text, [`%${name}%`])).rows.length;
    };

    const append = half.events.append("s", [2, 3], { id: ["h-2", "h-3"] });
    await expect.poll(() => waiting("event_append")).toBe(1);
    let isPruned = false;
    const prune = half.events.prune({ keep: 0 }).finally(() => {
      isPruned = true;
    });
    await expect.poll(async () => isPruned || (await waiting("event_prune")) === 1).toBe(true);
    await holder.query("select pg_advisory_unlock(7)");
    await holder.end();
    expect((await append).map(({ version }) => version)).toEqual([2, 3]);
    expect(await prune).toBe(2);
    await driver.query({ text: "drop trigger stop_here on persist.persist_events", params: [] });
    expect((await half.events.append("s", 4)).version).toBe(4);
    expect((await half.events.list({ stream: "s" })).map(({ version }) => version)).toEqual([3, 4]);
  });

  it("holds itself to its limit, over as many streams as there are", async () => {
    const wide = await createStore("wide", { driver });
    for (let i = 0; i < 12; i++) await wide.events.append(`s-${i}`, [1, 2, 3]);
    const counts = [];
    for (let count = 5; count === 5; ) {
      count = await wide.events.prune({ keep: 1, limit: 5 });
      counts.push(count);
    }
    expect(counts).toEqual([5, 5, 5, 5, 4]);
  });

  it("stops at the first event of a stream that is not older, so that no hole remains", async () => {
    const odd = await createStore("odd", { driver });
    await odd.events.append("s", [1, 2, 3, 4]);
    await driver.query({
      text: "update persist.persist_events e set timestamp = e.timestamp - interval '1 day' where store = 'odd' and version <> 2",
      params: [],
    });
    const before = new Date(Date.now() - 3_600_000);
    expect(await odd.events.prune({ before })).toBe(1);
    expect((await odd.events.list({ stream: "s" })).map(({ version }) => version)).toEqual([2, 3, 4]);
    expect(await odd.events.prune({ before })).toBe(0);
  });
});
