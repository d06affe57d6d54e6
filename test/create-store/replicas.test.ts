import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readPosition } from "../../src/create-store/read-position.ts";
import { replicaReads } from "../../src/create-store/replica-reads.ts";
import { pg } from "../../src/driver/pg.ts";
import {
  ConnectionError,
  createStore,
  type Driver,
  type EventFeedPage,
  PersistError,
  type Row,
  type Statement,
  type Store,
  type StoreEvent,
} from "../../src/index.ts";
import { failureOf } from "../contract/store.ts";
import { withNewDatabase } from "../stores/new-database.ts";

/** Tables of a store; what is copied by hand plays the replication. */
const tables = ["persist_sync_clock", "persist_records", "persist_event_streams", "persist_events", "persist_kv"];

describe("reads from replicas", () => {
  const primaryDatabase = withNewDatabase();
  const replicaDatabase = withNewDatabase();
  const secondDatabase = withNewDatabase();
  let primary: Driver;
  let replica: Driver;
  let second: Driver;
  let asked: string[];
  let skips: StoreEvent[];
  let fault: unknown;

  beforeEach(async () => {
    asked = [];
    skips = [];
    fault = undefined;
    primary = noting("primary", pg(primaryDatabase().postgres));
    replica = noting("replica", pg(replicaDatabase().postgres));
    second = noting("second", pg(secondDatabase().postgres));
    for (const driver of [primary, replica, second]) {
      const store = await createStore("s", { driver });
      await store.migrate();
      await driver.query({ text: `truncate ${tables.map((table) => `persist.${table}`).join(", ")}`, params: [] });
    }
    asked = [];
  });
  afterEach(() => Promise.all([primary, replica, second].map((driver) => driver.close())));

  /** Notes who was asked for what: `replica query 1`, `primary batch 2`. */
  function noting(name: string, driver: Driver): Driver {
    function note(kind: string, statements: readonly Statement[]) {
      asked.push(`${name} ${kind} ${statements.length}`);
      return name === "replica" ? fault : undefined;
    }
    return {
      ...driver,
      query: (statement, options) =>
        note("query", [statement]) ? Promise.reject(fault) : driver.query(statement, options),
      batch: (statements, options) =>
        note("batch", statements) ? Promise.reject(fault) : driver.batch(statements, options),
    };
  }

  /** Brings a replica to where the primary is now. */
  async function replicate(to: Driver = replica) {
    for (const table of tables) {
      const [row] = await primary.query({
        text: `select coalesce(jsonb_agg(to_jsonb(t)), '[]') as rows from persist.${table} t`,
        params: [],
      });
      await to.batch([
        { text: `delete from persist.${table}`, params: [] },
        {
          text: `insert into persist.${table} select r.* from jsonb_populate_recordset(null::persist.${table}, $1::text::jsonb) r`,
          params: [JSON.stringify(row?.["rows"])],
        },
      ]);
    }
    asked.splice(0);
  }

  async function open(replicas: readonly Driver[] = [replica], more: object = {}): Promise<Store> {
    const store = await createStore("s", { driver: primary, replicas, retry: { baseMs: 1 }, ...more });
    store.on("replica:skip", (event) => skips.push(event));
    return store;
  }

  const lastAsked = () => asked.splice(0);

  it("are plain reads of a replica for who has written nothing", async () => {
    const writer = await createStore("s", { driver: primary });
    await writer.records.put("a", 1);
    await writer.events.append("e", 1);
    await writer.kv.set("k", 1);
    await replicate();
    const { records, events, kv } = await open();
    expect(await records.get("a")).toMatchObject({ value: 1 });
    expect(await records.list()).toHaveLength(1);
    expect(await records.getMany(["a"])).toHaveLength(1);
    expect(await events.list({ stream: "e" })).toHaveLength(1);
    expect((await events.readAll()).events).toHaveLength(1);
    expect(await kv.get("k")).toBe(1);
    expect(lastAsked()).toEqual(Array.from({ length: 6 }, () => "replica query 1"));
  });

  it("see what this store object has written, from the primary until a replica has it", async () => {
    const store = await open();
    await store.records.put("a", 1);
    expect(await store.records.get("a")).toMatchObject({ value: 1 });
    expect(lastAsked()).toEqual(["primary query 1", "primary batch 2"]);

    expect(await store.records.get("a")).toMatchObject({ value: 1 });
    expect(lastAsked()).toEqual(["replica batch 2", "primary query 1"]);
    expect(skips).toEqual([{ type: "replica:skip", store: "s", replica: 0, reason: "behind" }]);
  });

  it("go to the replica again once it has caught up, with its clock in the same round trip", async () => {
    const store = await open();
    await store.records.put("a", 1);
    await store.records.get("a");
    await replicate();
    expect(await store.records.get("a")).toMatchObject({ value: 1 });
    expect(lastAsked()).toEqual(["replica batch 2"]);
    await store.kv.set("k", 1);
    await store.kv.get("k");
    await store.kv.get("k");
    expect(lastAsked()).toEqual(["primary query 1", "primary batch 2", "replica batch 2", "primary query 1"]);
  });

  it("ask the next replica when one is behind", async () => {
    const store = await open([replica, second]);
    await store.kv.set("k", 1);
    await store.kv.get("k");
    await replicate(second);
    for (let n = 0; n < 6; n++) expect(await store.kv.get("k")).toBe(1);
    const last = lastAsked();
    expect(last.filter((call) => call.startsWith("second"))).toHaveLength(6);
    expect(last).not.toContain("primary query 1");
  });

  it("share the work between replicas that are up to date", async () => {
    const store = await open([replica, second]);
    await store.kv.set("k", 1);
    await replicate();
    await replicate(second);
    await store.kv.get("k");
    for (let n = 0; n < 6; n++) await store.kv.get("k");
    expect(lastAsked().slice(1).toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => "replica batch 2"),
      ...Array.from({ length: 3 }, () => "second batch 2"),
    ]);
  });

  it("see what another store object has written, by its token", async () => {
    const writer = await createStore("s", { driver: primary });
    await writer.records.put("a", 1);
    await replicate();
    const { version } = await writer.records.put("a", 2);
    const token = await writer.token();
    const reader = await open();
    expect(await reader.records.get("a")).toMatchObject({ version: 1 });
    expect(await reader.records.get("a", { atLeast: token })).toMatchObject({ version, value: 2 });
    expect(lastAsked().slice(-3)).toEqual(["replica query 1", "replica batch 2", "primary query 1"]);
    await replicate();
    expect(await (await open()).records.get("a", { atLeast: token })).toMatchObject({ version });
    expect(lastAsked()).toEqual(["replica batch 2"]);
  });

  it("take a token in place of the own writes, and null for nothing at all", async () => {
    const store = await open();
    await store.kv.set("k", 1);
    const token = await store.token();
    await replicate();
    await store.kv.set("k", 2);
    lastAsked();
    expect(await store.kv.get("k", { atLeast: token })).toBe(1);
    expect(await store.kv.get("k", { atLeast: null })).toBe(1);
    expect(lastAsked()).toEqual(["replica batch 2", "replica query 1"]);
    expect(await store.kv.get("k")).toBe(2);
  });

  it("refuse a token that is none of this store", async () => {
    const other = await createStore("other", { driver: primary });
    await other.kv.set("k", 1);
    const store = await open();
    for (const atLeast of ["", "damaged", await other.token(), (await store.events.readAll()).cursor]) {
      expect(await failureOf(store.kv.get("k", { atLeast }))).toMatchObject({
        code: "validation",
        outcome: "not-sent",
        message: expect.stringMatching(/^kv\.get: atLeast/),
      });
    }
  });

  it("cost a token nothing while it is known, and one round trip after a write", async () => {
    const store = await open();
    await store.kv.set("k", 1);
    lastAsked();
    const token = await store.token();
    expect(await store.token()).toBe(token);
    expect(lastAsked()).toEqual(["primary query 1"]);
    await store.kv.set("k", 2);
    await store.kv.get("k");
    lastAsked();
    expect(await store.token()).not.toBe(token);
    expect(lastAsked()).toEqual([]);
  });

  it("go on from a cursor only where the replica is as far as the cursor", async () => {
    const writer = await createStore("s", { driver: primary });
    await writer.events.append("e", 1);
    await replicate();
    await writer.events.append("e", 2);
    const { cursor } = await writer.events.readAll();
    await writer.events.append("e", 3);
    const { events } = await (await open()).events.readAll({ cursor });
    expect(events).toMatchObject([{ payload: 3 }]);
  });

  it("follow the whole store page by page on a replica, which has the primary's history", async () => {
    const writer = await createStore("s", { driver: primary });
    await writer.events.append("e", [1, 2, 3, 4, 5]);
    // The very same database: it is never behind, and no other.
    const twin = noting("twin", pg(primaryDatabase().postgres));
    const { events } = await open([twin]);
    lastAsked();
    const read: unknown[] = [];
    let cursor: string | null = null;
    for (let more = true; more; ) {
      const page: EventFeedPage = await events.readAll({ cursor, limit: 2 });
      read.push(...page.events.map(({ payload }) => payload));
      ({ cursor, more } = page);
    }
    expect(read).toEqual([1, 2, 3, 4, 5]);
    expect(lastAsked()).toEqual(["twin query 1", "twin batch 2", "twin batch 2"]);
    expect(skips).toEqual([]);
    await twin.close();
  });

  it("take no word of another history from a replica", async () => {
    const writer = await createStore("s", { driver: primary });
    await writer.events.append("e", [1, 2]);
    const { cursor } = await writer.events.readAll({ limit: 1 });
    await replicate();
    const reader = await open();
    expect((await reader.events.readAll({ cursor })).events).toMatchObject([{ payload: 2 }]);
    expect(lastAsked()).toEqual(["replica batch 2", "primary query 1"]);
    expect(skips).toMatchObject([{ reason: "behind" }]);
  });

  it("pass by a replica of another history, or without the tables", async () => {
    const store = await open();
    await store.kv.set("k", 1);
    await store.kv.get("k");
    const stranger = await createStore("s", { driver: replica });
    for (let n = 0; n < 9; n++) await stranger.kv.set("k", n);
    lastAsked();
    expect(await store.kv.get("k")).toBe(1);
    expect(lastAsked()).toEqual(["replica batch 2", "primary query 1"]);

    await replica.query({ text: "drop schema persist cascade", params: [] });
    expect(await (await open()).kv.get("k")).toBe(1);
    expect(skips.at(-1)).toMatchObject({ reason: "failed", code: "database" });
    await stranger.migrate();
  });

  it("pass by a replica that cannot be reached, and leave it alone for a while", async () => {
    await primary.query({ text: "select 1", params: [] });
    const store = await open();
    fault = new ConnectionError("down", { outcome: "not-sent" });
    await store.kv.get("k");
    await store.kv.get("k");
    expect(lastAsked()).toEqual(["primary query 1", "replica query 1", "primary query 1", "primary query 1"]);
    expect(skips).toEqual([{ type: "replica:skip", store: "s", replica: 0, reason: "failed", code: "connection" }]);
  });

  it("give a replica that hangs half of the time, and the primary the rest", async () => {
    const hanging: Driver = {
      ...replica,
      query: (_, options) =>
        new Promise((__, reject) =>
          setTimeout(() => reject(new PersistError("timeout", "late", { outcome: "unknown" })), options?.timeoutMs),
        ),
    };
    const store = await open([hanging]);
    expect(await store.kv.get("k", { timeoutMs: 2_000 })).toBeUndefined();
    expect(skips).toMatchObject([{ reason: "failed", code: "timeout" }]);
  });

  it("go past one that is behind for a moment, and past one that is down for longer", async () => {
    const position = readPosition("s");
    position.looking()([{ lane: 0, seq: "5", epoch: "e" }]);
    let now = 0;
    let behind: Row[] | Error = [{ lane: 0, seq: "4", epoch: "e" }];
    const log: string[] = [];
    const fake = (name: string, answer: () => Row[] | Error): Driver => ({
      name,
      async query() {
        log.push(name);
        return [{ from: name }];
      },
      async batch() {
        log.push(name);
        const lanes = answer();
        if (lanes instanceof Error) throw lanes;
        return [lanes, [{ from: name }]];
      },
      close: async () => undefined,
    });
    const options = { store: "s", clock: { text: "clock", params: [] }, position, random: () => 0, now: () => now };
    const reads = replicaReads(
      fake("primary", () => []),
      [fake("replica", () => behind)],
      options,
    );
    const readAt = async (ms: number) => {
      now = ms;
      await reads.query({ text: "select 1", params: [] });
      return log.splice(0);
    };
    expect(await readAt(0)).toEqual(["replica", "primary"]);
    expect(await readAt(99)).toEqual(["primary"]);
    expect(await readAt(100)).toEqual(["replica", "primary"]);
    behind = new ConnectionError("down", { outcome: "not-sent" });
    expect(await readAt(200)).toEqual(["replica", "primary"]);
    expect(await readAt(10_199)).toEqual(["primary"]);
    behind = [{ lane: 0, seq: "5", epoch: "e" }];
    expect(await readAt(10_200)).toEqual(["replica"]);
  });

  it("end with the caller's signal, without asking anybody else", async () => {
    const store = await open();
    const failure = await failureOf(store.kv.get("k", { signal: AbortSignal.abort() }));
    expect(failure).toMatchObject({ code: "aborted" });
    expect(lastAsked()).toEqual(["replica query 1"]);
  });

  it("do not blame a replica for what the statement is refused for", async () => {
    const store = await open();
    expect(await failureOf(store.records.search("x", { language: "no_such" }))).toMatchObject({ code: "validation" });
    await store.kv.get("k");
    expect(lastAsked()).toEqual(["replica query 1", "primary query 1", "replica query 1"]);
  });

  it("travel together where they are batched", async () => {
    const store = await open([replica], { batchReads: true });
    await store.kv.set("k", 1);
    await replicate();
    const reads = () => Promise.all([store.kv.get("k"), store.kv.has("k"), store.records.find("none")]);
    expect(await reads()).toEqual([1, true, undefined]);
    expect(await reads()).toEqual([1, true, undefined]);
    expect(lastAsked()).toEqual(["primary batch 4", "replica batch 4"]);
  });

  it("are not for writes, transactions and SQL", async () => {
    const store = await open();
    await store.kv.set("k", 1);
    await store.transaction([{ op: "kv.delete", key: "k" }]);
    await store.sql`select 1`;
    await store.sql.write`select 1`;
    expect(lastAsked().every((call) => call.startsWith("primary"))).toBe(true);
  });

  it("are not for conflicts, which are settled without a trace in the feed", async () => {
    const store = await open();
    await store.records.conflicts();
    await store.records.conflicts({ atLeast: await store.token() });
    expect(lastAsked().filter((call) => call.startsWith("replica"))).toEqual([]);
  });

  it("close the replicas with the store", async () => {
    const store = await open();
    await store.close();
    expect(await failureOf(replica.query({ text: "select 1", params: [] }))).toMatchObject({ code: "closed" });
    replica = pg(replicaDatabase().postgres);
    primary = pg(primaryDatabase().postgres);
  });
});
