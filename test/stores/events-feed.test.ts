import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver, Param, Row } from "../../src/driver.ts";
import type { EventFeedPage } from "../../src/stores/event-feed.ts";
import type { StoredEvent } from "../../src/stores/events.ts";
import { failureOf } from "../contract/store.ts";
import { withNewDatabase } from "./new-database.ts";

describe("reading events across streams", () => {
  const database = withNewDatabase();
  const clients: pgPackage.Client[] = [];
  let driver: Driver;
  beforeAll(async () => {
    driver = pg(database().postgres);
    const store = await createStore("any", { driver });
    await store.migrate();
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end()));
    await driver.close();
  });

  const open = (name: string): Promise<Store> => createStore(name, { driver });
  const ask = (text: string, ...params: Param[]): Promise<Row[]> => driver.query({ text, params });

  async function connect(): Promise<pgPackage.Client> {
    const client = new pgPackage.Client(database().postgres);
    clients.push(client);
    await client.connect();
    return client;
  }

  it("loses and repeats nothing and keeps each stream's order, while 24 append in held transactions", async () => {
    const store = await open("busy");
    const committed = new Set<string>();
    let appending = true;

    async function append(writer: number) {
      const client = await connect();
      for (let n = 0; n < 40; n++) {
        const ids = Array.from({ length: 1 + (n % 3) }, (_, i) => `${writer}-${n}-${i}`);
        // Half of the writers fight over a few streams, the others have their own.
        const stream = writer % 2 === 0 ? `shared-${n % 5}` : `own-${writer}`;
        const events = JSON.stringify(ids.map((id) => [id, { writer, n }, null, null]));
        await client.query("begin");
        await client.query("select status from persist.event_append($1, $2, $3, null)", ["busy", stream, events]);
        await pause(Math.random() * 8);
        const isKept = Math.random() > 0.15;
        await client.query(isKept ? "commit" : "rollback");
        if (isKept) for (const id of ids) committed.add(id);
      }
    }

    const seen: StoredEvent[] = [];
    async function read() {
      let cursor: string | null = null;
      for (let more = true; more || appending; ) {
        const wasAppending = appending;
        const page: EventFeedPage = await store.events.readAll({ cursor, limit: 7 });
        expect(page.events.length).toBeLessThanOrEqual(7);
        seen.push(...page.events);
        cursor = page.cursor;
        more = page.more || wasAppending;
      }
    }

    const writing = Promise.all(Array.from({ length: 24 }, (_, i) => append(i))).then(() => {
      appending = false;
    });
    await Promise.all([writing, read()]);

    expect(seen).toHaveLength(committed.size);
    expect(new Set(seen.map(({ id }) => id))).toEqual(committed);
    const versions = new Map<string, number>();
    for (const { stream, version } of seen) {
      expect(version).toBe((versions.get(stream) ?? 0) + 1);
      versions.set(stream, version);
    }
    const [lanes] = await ask("select count(*)::int as n from persist.persist_sync_clock where store = 'busy'");
    expect(lanes?.["n"]).toBeGreaterThan(8);
    const whole = await store.events.readAll({ limit: 1000 });
    const times = whole.events.map(({ timestamp }) => timestamp.getTime());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it("keeps a stream's order across lanes when the clock was set back", async () => {
    const store = await open("clock");
    // The first event was written by a clock that was an hour ahead; the second goes to another lane.
    await store.events.append("s", 1);
    await ask(
      "update persist.persist_events e set timestamp = e.timestamp + interval '1 hour', ordered_at = e.ordered_at + interval '1 hour' where store = 'clock'",
    );
    const holder = await connect();
    await holder.query("begin");
    await holder.query("select taken_lane from persist.take_lane($1, 0)", ["clock"]);
    await store.events.append("s", 2);
    await holder.query("rollback");
    await store.events.append("t", 1);
    await store.events.append("s", 3);

    const [lanes] = await ask(
      "select count(distinct lane)::int as n from persist.persist_events where store = 'clock'",
    );
    expect(lanes).toEqual({ n: 2 });
    const events = await readWhole(store, 1);
    const versions = events.filter(({ stream }) => stream === "s").map(({ version }) => version);
    expect(versions).toEqual([1, 2, 3]);
    const [, second] = await store.events.list({ stream: "s" });
    expect(second?.timestamp.getTime()).toBeLessThan(Date.now() + 60_000);
  });

  it("skips nothing in a lane whose times fall, whoever wrote them", async () => {
    const store = await open("falling");
    for (let i = 1; i <= 12; i++) await store.events.append(`s-${i}`, i);
    await ask(
      "update persist.persist_events e set ordered_at = null, timestamp = e.timestamp - e.seq * interval '1 hour' where store = 'falling'",
    );
    const payloads = (await readWhole(store, 5)).map(({ payload }) => payload);
    expect(payloads).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it("is refused when history was replaced, by a branch or by an older copy", async () => {
    const store = await open("restored");
    await store.events.append("s", [1, 2, 3]);
    const { cursor } = await store.events.readAll();
    await ask("update persist.persist_sync_clock c set seq = 2 where store = 'restored'");
    expect(await failureOf(store.events.readAll({ cursor }))).toMatchObject({ code: "resync", outcome: "rejected" });
    await ask("update persist.persist_sync_clock c set seq = 3, epoch = gen_random_uuid() where store = 'restored'");
    expect(await failureOf(store.events.readAll({ cursor }))).toMatchObject({ code: "resync" });
    await ask("delete from persist.persist_sync_clock c where store = 'restored'");
    expect(await failureOf(store.events.readAll({ cursor }))).toMatchObject({ code: "resync" });
  });

  it("goes on when only tombstones were collected", async () => {
    const store = await open("collected");
    await store.events.append("s", [1, 2, 3]);
    const { cursor } = await store.events.readAll({ limit: 1 });
    await ask("update persist.persist_sync_clock c set floor = 3 where store = 'collected'");
    expect((await store.events.readAll({ cursor })).events).toHaveLength(2);
  });

  it("begins at the start with the cursor of a store that had no history", async () => {
    const store = await open("new");
    const { cursor, events, more } = await store.events.readAll();
    expect({ events, more }).toEqual({ events: [], more: false });
    await store.events.append("s", [1, 2, 3]);
    expect((await store.events.readAll({ cursor })).events).toHaveLength(3);
  });
});

async function readWhole(store: Store, limit: number): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  let cursor: string | null = null;
  for (let more = true; more; ) {
    const page: EventFeedPage = await store.events.readAll({ cursor, limit });
    events.push(...page.events);
    ({ cursor, more } = page);
  }
  return events;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
