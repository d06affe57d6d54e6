import type { replicateRxCollection } from "rxdb/plugins/replication";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { type RxdbCheckpoint, rxdbReplication } from "../../src/bridges/rxdb.ts";
import { type Hero, heroesOf, newDevice, syncOnce, withServers } from "./rxdb-devices.ts";

const newServer = withServers();

describe("rxdbReplication", () => {
  it("keeps a document under its prefix and primary key, without what is RxDB's own", async () => {
    const { replica, store } = await newServer();
    const collection = await newDevice();
    await collection.insert({ id: "batman", name: "Bruce" });
    expect(await syncOnce(collection, { remote: replica, prefix: "heroes:" })).toEqual([]);
    expect(await store.records.list()).toEqual([
      expect.objectContaining({ key: "heroes:batman", value: { id: "batman", name: "Bruce" }, version: 1 }),
    ]);
  });

  it("fits what replicateRxCollection asks for", () => {
    const typed = rxdbReplication<Hero>;
    type Asked = Parameters<typeof replicateRxCollection<Hero, RxdbCheckpoint>>[0];
    expectTypeOf<ReturnType<typeof typed>>().toExtend<Pick<Asked, "pull" | "push">>();
  });

  it("brings documents to another device, through pages that hold other things too", async () => {
    const { replica, store } = await newServer();
    const [a, b] = [await newDevice(), await newDevice()];
    await a.bulkInsert(Array.from({ length: 25 }, (_, i) => ({ id: `hero-${10 + i}`, name: `${i}` })));
    for (let i = 0; i < 30; i += 1) await store.events.append("heroes:log", i);
    await store.records.put("heroes:odd", [1]);
    await store.records.put("villains:joker", { name: "Jack" });
    await syncOnce(a, { remote: replica, prefix: "heroes:", batchSize: 7 });
    for (let i = 0; i < 30; i += 1) await store.kv.set(`heroes:${i}`, i);
    await syncOnce(b, { remote: replica, prefix: "heroes:", batchSize: 7 });
    expect(await heroesOf(b)).toHaveLength(25);
    expect(await heroesOf(b)).toEqual(await heroesOf(a));
  });

  it("reads what holds no document once", async () => {
    const { replica, store } = await newServer();
    for (let i = 0; i < 20; i += 1) await store.events.append("log", i);
    const pull = vi.fn(replica.pull);
    const { handler } = rxdbReplication({ collection: await newDevice(), remote: { ...replica, pull } }).pull;
    expect((await handler(undefined, 5)).documents).toEqual([]);
    const pages = pull.mock.calls.length;
    await store.records.put("batman", { name: "Bruce" });
    expect((await handler(undefined, 5)).documents).toEqual([{ id: "batman", name: "Bruce", _deleted: false }]);
    expect([pages, pull.mock.calls.length]).toEqual([4, 5]);
  });

  it("deletes on every device, in sight of a schema that requires members", async () => {
    const { replica, store } = await newServer();
    const [a, b, c] = [await newDevice(), await newDevice(), await newDevice()];
    await a.bulkInsert([
      { id: "batman", name: "Bruce" },
      { id: "robin", name: "Dick" },
    ]);
    await syncOnce(a, { remote: replica });
    await syncOnce(b, { remote: replica });
    await a.findOne("robin").remove();
    expect(await syncOnce(a, { remote: replica })).toEqual([]);
    expect(await syncOnce(b, { remote: replica })).toEqual([]);
    expect(await syncOnce(c, { remote: replica })).toEqual([]);
    for (const device of [a, b, c]) expect(await heroesOf(device)).toEqual([{ id: "batman", name: "Bruce" }]);
    expect(await store.records.find("robin")).toBeUndefined();

    await b.insert({ id: "robin", name: "Jason" });
    expect(await syncOnce(b, { remote: replica })).toEqual([]);
    expect(await syncOnce(a, { remote: replica })).toEqual([]);
    expect(await heroesOf(a)).toEqual(await heroesOf(b));
    expect(await store.records.get("robin")).toMatchObject({ value: { name: "Jason" }, version: 3 });
  });

  it("deletes what a page before has brought and RxDB has not stored yet", async () => {
    const { replica, store } = await newServer();
    await store.records.put("a", { name: "a" });
    await store.records.put("b", { name: "b" });
    const { handler } = rxdbReplication({ collection: await newDevice(), remote: replica }).pull;
    const { checkpoint } = await handler(undefined, 1);
    await store.records.delete("a");
    await store.records.delete("b");
    // b was never told of.
    expect((await handler(checkpoint, 2)).documents).toEqual([{ id: "a", name: "a", _deleted: true }]);
  });

  it("creates and deletes offline without a trace, and meets what another device made meanwhile", async () => {
    const { replica, store } = await newServer();
    const [a, b] = [await newDevice(), await newDevice()];
    await a.insert({ id: "ghost", name: "a" });
    await a.findOne("ghost").remove();
    await a.insert({ id: "robin", name: "from a" });
    await a.findOne("robin").remove();
    await b.insert({ id: "robin", name: "from b" });
    await syncOnce(b, { remote: replica });
    expect(await syncOnce(a, { remote: replica })).toEqual([]);
    expect(await store.records.list()).toEqual([expect.objectContaining({ value: { id: "robin", name: "from b" } })]);
    expect(await heroesOf(a)).toEqual([{ id: "robin", name: "from b" }]);
  });

  it("hands conflicts to the collection's handler: an edit, a deletion", async () => {
    const { replica, store } = await newServer();
    const [a, b] = [await newDevice(), await newDevice()];
    await a.bulkInsert([
      { id: "batman", name: "Bruce" },
      { id: "robin", name: "Dick" },
    ]);
    await syncOnce(a, { remote: replica });
    await syncOnce(b, { remote: replica });
    a.conflictHandler = {
      isEqual: (x, y) => x.name === y.name && x._deleted === y._deleted,
      resolve: async ({ newDocumentState, realMasterState }) => ({
        ...newDocumentState,
        name: `${newDocumentState.name} and ${realMasterState.name}`,
        _deleted: realMasterState._deleted,
      }),
    };
    await (await a.findOne("batman").exec(true)).incrementalPatch({ name: "A" });
    await (await b.findOne("batman").exec(true)).incrementalPatch({ name: "B" });
    await (await a.findOne("robin").exec(true)).incrementalPatch({ name: "A" });
    await b.findOne("robin").remove();
    await syncOnce(b, { remote: replica });
    expect(await syncOnce(a, { remote: replica })).toEqual([]);
    expect(await store.records.list()).toEqual([expect.objectContaining({ value: { id: "batman", name: "A and B" } })]);
    expect(await heroesOf(a)).toEqual([{ id: "batman", name: "A and B" }]);
  });

  it("edits records that something else has written, with and without the primary key", async () => {
    const { replica, store } = await newServer();
    await store.records.put("batman", { name: "Bruce" });
    await store.records.put("robin", { id: "robin", name: "Dick" });
    const collection = await newDevice();
    await syncOnce(collection, { remote: replica });
    for (const hero of await collection.find().exec()) await hero.incrementalPatch({ text: "new" });
    expect(await syncOnce(collection, { remote: replica })).toEqual([]);
    expect((await store.records.list()).map(({ value }) => value)).toEqual([
      { id: "batman", name: "Bruce", text: "new" },
      { id: "robin", name: "Dick", text: "new" },
    ]);

    const hero = await collection.findOne("batman").exec(true);
    await hero.incrementalPatch({ text: "mine" });
    await store.records.put("batman", { name: "Terry" });
    await syncOnce(collection, { remote: replica });
    expect(hero.getLatest().toJSON()).toEqual({ id: "batman", name: "Terry" });
  });
});

describe("a collection with attachments", () => {
  it("is refused", async () => {
    const { replica } = await newServer();
    const collection = await newDevice();
    const jsonSchema = { ...collection.schema.jsonSchema, attachments: {} };
    const withAttachments = {
      ...collection,
      schema: { ...collection.schema, jsonSchema },
    } as unknown as typeof collection;
    expect(() => rxdbReplication({ collection: withAttachments, remote: replica })).toThrow(/attachments/);
  });
});
