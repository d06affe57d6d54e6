import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import type { Change } from "../../src/sync/index.ts";
import type { StoreReplica } from "../../src/sync/store-replica.ts";
import { batch, nameOf, page, pullAll, put, remove, stateOf, withReplicas } from "./replicas.ts";

const { replica: newReplica, both, ask } = withReplicas();

describe("a page", () => {
  it("is empty for a store that does not exist, and its cursor goes on from there", async () => {
    const replica = newReplica();
    const empty = await page(replica.pull(null, 10));
    expect(empty).toMatchObject({ changes: [], more: false, head: "" });
    await replica.push(batch(put(1, "a", 1)));
    expect((await page(replica.pull(empty.cursor, 10))).changes).toMatchObject([{ key: "a", value: 1 }]);
  });

  it("tells each record once, as it is now, with who wrote it", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1), put(2, "b", { x: [null] }), put(3, "a", 2, 1), remove(4, "a", 2)));
    const { changes } = await page(replica.pull(null, 10));
    expect(changes).toEqual([
      {
        kind: "record",
        key: "b",
        value: { x: [null] },
        version: 1,
        seq: "0:2",
        updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
        by: { client: "c1", mutation: 2 },
      },
      expect.objectContaining({ key: "a", deleted: true, version: 3, seq: "0:4" }),
    ]);
    expect(changes[1]).not.toHaveProperty("value");
  });

  it("tells a stored null from what is deleted", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", null)));
    const [change] = (await page(replica.pull(null, 10))).changes;
    expect(change).toHaveProperty("value", null);
    expect(change).not.toHaveProperty("deleted");
  });

  it("brings records, entries and events in the order in which they were written", async () => {
    const { store, replica } = await both();
    await store.records.put("a", 1);
    await store.events.append("s", "first", { id: "e1" });
    await store.kv.set("a", 1, { ttl: 60_000 });
    await store.records.put("b", 1);
    await store.kv.set("bytes", new Uint8Array([7]));
    await store.events.append("s", "second", { id: "e2", type: "t", metadata: { m: 1 } });
    await store.kv.delete("a");
    for (const limit of [1, 2, 3, 100]) {
      const { changes } = await pullAll(replica, limit);
      expect(changes).toMatchObject([
        { kind: "record", key: "a" },
        { kind: "event", id: "e1", stream: "s", version: 1, payload: "first" },
        { kind: "record", key: "b" },
        { kind: "kv", key: "bytes", value: "Bw==", encoding: "base64" },
        { kind: "event", id: "e2", type: "t", metadata: { m: 1 } },
        { kind: "kv", key: "a", deleted: true },
      ]);
    }
  });

  it("is cut at its bytes, but never below one change", async () => {
    const { store, replica } = await both({ limits: { maxPageBytes: 1000 } });
    await store.records.put("a", "x".repeat(5000));
    await store.kv.set("b", "small");
    await store.events.append("c", "x".repeat(900), { id: "c" });
    const first = await page(replica.pull(null, 10));
    const second = await page(replica.pull(first.cursor, 10));
    const third = await page(replica.pull(second.cursor, 10));
    expect([first, second, third].map(({ changes, more }) => [changes.map(nameOf), more])).toEqual([
      [["a"], true],
      [["b"], true],
      [["c"], false],
    ]);
  });

  it("reads on through a wide stretch in which nothing is of its scope", async () => {
    const { store, replica } = await both();
    await store.records.put("wanted/1", 1);
    await ask(
      `insert into persist.persist_records (store, key, value, version, updated_at, deleted, lane, seq)
select $1, 'other/' || n, '1', 1, now(), false, 0, 1 + n from generate_series(1, 25000) n`,
      store.name,
    );
    await ask("update persist.persist_sync_clock set seq = 25001 where store = $1", store.name);
    await store.kv.set("wanted/2", 2);

    const first = await page(replica.pull(null, 10, { scope: "wanted/" }));
    expect(first).toMatchObject({ changes: [{ key: "wanted/1" }], more: true });
    expect(await page(replica.pull(first.cursor, 10, { scope: "wanted/" }))).toMatchObject({
      changes: [{ kind: "kv", key: "wanted/2" }],
      more: false,
    });
  });

  it("brings of a scope what begins so, and of streams their events", async () => {
    const { store, replica } = await both();
    for (const name of ["a", "a/", "a/1", "a/b/2", "b/a/", "A/"]) {
      await store.records.put(name, 1);
      await store.kv.set(name, 1);
      await store.events.append(name, 1, { id: `${name}!` });
    }
    for (const limit of [1, 4, 100]) {
      const { changes } = await pullAll(replica, limit, { scope: "a/" });
      expect(changes.map(nameOf)).toEqual(["a/", "a/", "a/!", "a/1", "a/1", "a/1!", "a/b/2", "a/b/2", "a/b/2!"]);
    }
    expect((await pullAll(replica, 100, { scope: "c" })).changes).toEqual([]);
  });
});

describe("pages of any size", () => {
  it("come to the same state while rows move, also from lane to lane", async () => {
    const size = fc.integer({ min: 1, max: 12 });
    const step = fc.tuple(fc.constantFrom("put", "delete", "set", "unset", "append"), fc.nat(9), fc.nat(3));
    const run = fc.array(fc.oneof(size, fc.array(step, { minLength: 1, maxLength: 5 })), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(run, size, async (turns, last) => {
        const { store, replica } = await both();
        const seen: Change[] = [];
        let cursor: string | null = null;
        for (const turn of turns) {
          if (typeof turn === "number") {
            const next = await page(replica.pull(cursor, turn));
            seen.push(...next.changes);
            cursor = next.cursor;
          } else {
            for (const [what, n, lane] of turn) await write(store, what, { key: `k${n}`, lane });
          }
        }
        const rest = await pullAll(replica, last, cursor === null ? {} : { from: cursor });
        const fresh = await pullAll(replica, 1000);
        expect(stateOf([...seen, ...rest.changes])).toEqual(stateOf(fresh.changes));
        expect(fresh.changes.length).toBe(new Set(fresh.changes.map((change) => change.kind + nameOf(change))).size);
        const seqs = [...seen, ...rest.changes].map(({ seq }) => seq);
        expect(new Set(seqs).size).toBe(seqs.length);
        await expectTruth(store, replica);
      }),
      { numRuns: 40 },
    );
  });

  /** As a writer would that found the lanes before this one held: the row is numbered by that lane. */
  async function write(store: Store, what: string, { key, lane }: { key: string; lane: number }) {
    const event = crypto.randomUUID();
    if (what === "put") await store.records.put(key, crypto.randomUUID());
    if (what === "delete") await store.records.delete(key);
    if (what === "set") await store.kv.set(key, crypto.randomUUID());
    if (what === "unset") await store.kv.delete(key);
    if (what === "append") await store.events.append(key, event, { id: event });
    const [table, id] =
      what === "append" ? ["events", event] : what === "put" || what === "delete" ? ["records", key] : ["kv", key];
    await ask(
      `with moved as (
  insert into persist.persist_sync_clock as c (store, lane, seq, epoch)
  select $1, $2, 1, c.epoch from persist.persist_sync_clock c where c.store = $1 and c.lane = 0
  on conflict (store, lane) do update set seq = c.seq + 1
  returning seq
)
update persist.persist_${table} set lane = $2, seq = m.seq from moved m
where store = $1 and ${what === "append" ? "id" : "key"} = $3 and $2 > 0`,
      store.name,
      lane,
      id ?? "",
    );
  }

  async function expectTruth(store: Store, replica: StoreReplica) {
    const { changes } = await pullAll(replica, 1000);
    const live = changes.filter((change) => change.kind === "record" && !change.deleted);
    const records = await store.records.list({ limit: 1000 });
    expect(live.map(nameOf).sort()).toEqual(records.map(({ key }) => key));
  }
});
