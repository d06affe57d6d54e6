import { describe, expect, inject, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { ValidationError } from "../../src/errors.ts";
import { encodeCursor } from "../../src/sql/cursor.ts";
import { storeReplica } from "../../src/sync/index.ts";
import { createDatabase } from "../servers/provided.ts";
import { accepted, batch, page, pullAll, put, remove, stamp, withReplicas } from "./replicas.ts";

const { replica: newReplica, both, ask } = withReplicas();

describe("a cursor cannot be continued", () => {
  it("when history was replaced", async () => {
    const replica = newReplica({ store: "restored" });
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
    const { cursor } = await page(replica.pull(null, 10));
    const change = (text: string) => ask(`update persist.persist_sync_clock ${text}`);

    await change("set seq = 1 where store = 'restored'");
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "rewind" });
    expect(await replica.push({ ...batch(put(3, "c", 1)), cursor })).toEqual({ resync: "rewind" });
    await change("set seq = 9, floor = 5 where store = 'restored'");
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "floor" });
    expect(await replica.push({ ...batch(put(3, "c", 1)), cursor })).toEqual({ resync: "floor" });
    await change("set epoch = gen_random_uuid() where store = 'restored'");
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "epoch" });
    expect(await replica.push({ ...batch(put(3, "c", 1)), cursor })).toEqual({ resync: "epoch" });
    await change("set store = 'elsewhere' where store = 'restored'");
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "rewind" });
    expect((await pullAll(replica, 10)).changes).toEqual([]);
  });

  it("under another scope", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1)));
    const { cursor } = await page(replica.pull(null, 10, { scope: "a" }));
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "scope" });
    expect(await replica.pull(cursor, 10, { scope: "ab" })).toEqual({ resync: "scope" });
    expect(await replica.push({ ...batch(put(2, "a", 1)), cursor })).toEqual({ resync: "scope" });
    expect(await replica.pull(cursor, 10, { scope: "a" })).toMatchObject({ changes: [] });
  });

  it("in a copy of the database, which has the same rows and another history from now on", async () => {
    const { postgres } = inject("servers");
    const original = await createDatabase(postgres);
    const name = "s";
    const before = pg(original.url);
    const replica = storeReplica({ driver: before, store: name, principal: "p" });
    await replica.push(batch(put(1, "a", 1)));
    const { cursor } = await page(replica.pull(null, 10));
    const { epoch, head } = await replica.head();
    await before.close();

    const server = pg(postgres);
    const url = new URL(original.url);
    url.pathname += "_copy";
    await server.query({ text: `create database ${url.pathname.slice(1)} template ${original.name}`, params: [] });
    const after = pg(url.href);
    const copy = storeReplica({ driver: after, store: name, principal: "p" });
    const copied = await copy.head();
    expect(copied.head).toBe(head);
    expect(copied.epoch).not.toBe(epoch);
    expect(await copy.pull(cursor, 10)).toEqual({ resync: "epoch" });
    // Somebody who knows nothing but the head is told of it too.
    expect(await copy.pullUnlessHead(null, 10, head)).toMatchObject({ unchanged: true, epoch: copied.epoch });
    expect(await copy.pullUnlessHead(null, 10, head, { knownEpoch: epoch })).toMatchObject({ changes: [{ key: "a" }] });
    await after.close();
    await server.query({ text: `drop database ${url.pathname.slice(1)} with (force)`, params: [] });
    await server.close();
    await original.drop();
  });
});

describe("a cursor is refused", () => {
  it.each([0, 1001, 1.5, Number.NaN])("with a limit of %d", async (limit) => {
    await expect(newReplica().pull(null, limit)).rejects.toBeInstanceOf(ValidationError);
  });

  it("of another store, and a damaged one", async () => {
    const { cursor } = await page(newReplica().pull(null, 1));
    await expect(newReplica().pull(cursor, 1)).rejects.toBeInstanceOf(ValidationError);
    await expect(newReplica().pull(`${cursor}x`, 1)).rejects.toBeInstanceOf(ValidationError);
    await expect(newReplica().pull("", 1)).rejects.toBeInstanceOf(ValidationError);
  });
});

describe("where tombstones were collected", () => {
  /** Deletes the tombstones of a store as collection does, in the one lane that there is. */
  async function collect(store: string) {
    const rows = await ask("select collected from persist.sync_collect($1, '0', 1000)", store);
    return Number(rows[0]?.["collected"]);
  }

  it("a reader that has seen them goes on, and one that has not begins again", async () => {
    const replica = newReplica({ store: "floors" });
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
    const early = await page(replica.pull(null, 10));
    await replica.push(batch(remove(3, "a", 1), put(4, "c", 1)));
    const late = await page(replica.pull(early.cursor, 10));
    expect(await collect("floors")).toBe(1);
    expect(await replica.pull(early.cursor, 10)).toEqual({ resync: "floor" });
    expect(await replica.pull(late.cursor, 10)).toMatchObject({ changes: [] });
    expect(await replica.pull(null, 10)).toMatchObject({ changes: [{ key: "b" }, { key: "c" }] });
  });

  it("one that begins below a floor goes well past it, page by page", async () => {
    const replica = newReplica({ store: "fresh" });
    await replica.push(
      batch(put(1, "a", 1), put(2, "b", 1), put(3, "c", 1), put(4, "gone", 1), remove(5, "gone", 1), put(6, "d", 1)),
    );
    await collect("fresh");
    for (const limit of [1, 2, 3, 10]) expect((await pullAll(replica, limit)).changes).toHaveLength(4);
    const { cursor } = await page(replica.pull(null, 2));
    // Above its floor a cursor is as any other.
    const { cursor: done } = await pullAll(replica, 2, { from: cursor });
    await replica.push(batch(remove(7, "a", 1)));
    await collect("fresh");
    expect(await replica.pull(done, 10)).toEqual({ resync: "floor" });
  });

  it("while a snapshot is read, it begins again", async () => {
    const replica = newReplica({ store: "rising" });
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1), put(3, "c", 1), remove(4, "c", 1)));
    await collect("rising");
    const { cursor } = await page(replica.pull(null, 1));
    await replica.push(batch(remove(5, "a", 1)));
    expect(await replica.pull(cursor, 1)).toMatchObject({ more: true });
    await collect("rising");
    expect(await replica.pull(cursor, 1)).toEqual({ resync: "floor" });
    expect(await pullAll(replica, 1)).toMatchObject({ changes: [{ key: "b" }] });
  });

  it("a lane that the cursor does not know counts as unread", async () => {
    const { store, replica } = await both();
    await replica.push(batch(put(1, "a", 1)));
    const { cursor } = await page(replica.pull(null, 10));
    const open = (floor: number) =>
      ask(
        `insert into persist.persist_sync_clock (store, lane, seq, floor, epoch)
select store, 1, 9, $2, epoch from persist.persist_sync_clock where store = $1 and lane = 0
on conflict (store, lane) do update set floor = excluded.floor`,
        store.name,
        floor,
      );
    await open(0);
    expect(await replica.pull(cursor, 10)).toMatchObject({ changes: [], more: false });
    await open(3);
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "floor" });
  });

  it("nothing that was deleted comes back by a push", async () => {
    const replica = newReplica({ store: "buried" });
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
    const { cursor } = await page(replica.pull(null, 10));
    await replica.push(batch(remove(3, "a", 1)));
    await collect("buried");
    const edit = { id: 1, op: "put", key: "a", value: 2, hlc: stamp(0) } as const;
    expect(await replica.push({ client: "late", cursor, mutations: [edit] })).toEqual({ resync: "floor" });
    const { results } = await accepted(replica.push({ client: "late", mutations: [put(1, "a", 2, 1)] }));
    expect(results).toEqual([{ id: 1, status: "gone" }]);
    expect((await pullAll(replica, 10)).changes).toMatchObject([{ key: "b" }]);
  });

  it("a push that was taken before is answered all the same", async () => {
    const replica = newReplica({ store: "answered" });
    await replica.push(batch(put(1, "a", 1)));
    const { cursor } = await page(replica.pull(null, 10));
    const late = { client: "late", cursor, mutations: [put(1, "b", 2)] };
    await replica.push(late);
    await replica.push(batch(remove(2, "a", 1)));
    await collect("answered");
    expect(await replica.push(late)).toMatchObject({ results: [{ status: "duplicate", version: 1 }] });
    expect(await replica.push({ ...late, mutations: [...late.mutations, put(2, "c", 1)] })).toEqual({
      resync: "floor",
    });
  });

  it("a cursor made before there were scopes and floors is read, and begins again under the longer epoch", async () => {
    const { store, replica } = await both();
    await replica.push(batch(put(1, "a", 1)));
    const [clock] = await ask("select epoch::text from persist.persist_sync_clock where store = $1", store.name);
    const old = encodeCursor({ kind: "sync", store: store.name, epoch: String(clock?.["epoch"]), lanes: [[0, "1"]] });
    expect(await replica.pull(old, 10)).toEqual({ resync: "epoch" });
  });
});
