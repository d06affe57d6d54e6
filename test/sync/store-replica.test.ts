import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pglite } from "../../src/driver/pglite.ts";
import type { Driver } from "../../src/driver.ts";
import { CapabilityError, ValidationError } from "../../src/errors.ts";
import { decodeCursor } from "../../src/sql/cursor.ts";
import {
  type Change,
  type ChangePage,
  type Mutation,
  type PushBatch,
  type PushResult,
  type Replica,
  type StoreReplicaOptions,
  storeReplica,
} from "../../src/sync/index.ts";

let driver: Driver;
beforeAll(() => {
  driver = pglite();
});
afterAll(() => driver.close());

let stores = 0;

/** A replica of a store that nobody has used. */
function newReplica(options: Partial<StoreReplicaOptions> = {}): Replica {
  stores += 1;
  return storeReplica({ driver, store: `store-${stores}`, principal: "alice", ...options });
}

const put = (id: number, key: string, value: unknown, base = 0): Mutation => ({ id, op: "put", key, value, base });
const remove = (id: number, key: string, base: number): Mutation => ({ id, op: "delete", key, base });
const batch = (...mutations: Mutation[]): PushBatch => ({ client: "c1", mutations });

async function accepted(pushing: ReturnType<Replica["push"]>): Promise<PushResult> {
  const result = await pushing;
  if ("refused" in result) throw new Error(`refused: ${result.refused}`);
  return result;
}

async function page(pulling: ReturnType<Replica["pull"]>): Promise<ChangePage> {
  const result = await pulling;
  if ("resync" in result) throw new Error(`resync: ${result.resync}`);
  return result;
}

async function pullAll(replica: Replica, limit: number): Promise<{ changes: Change[]; cursor: string }> {
  const changes: Change[] = [];
  let cursor: string | null = null;
  for (;;) {
    const next: ChangePage = await page(replica.pull(cursor, limit));
    expect(next.changes.length).toBeLessThanOrEqual(limit);
    changes.push(...next.changes);
    cursor = next.cursor;
    if (!next.more) return { changes, cursor };
  }
}

describe("push", () => {
  it("applies mutations in order, also several of one key", async () => {
    const { results, lastMutation } = await accepted(
      newReplica().push(batch(put(1, "b", 1), put(2, "a", null), put(3, "b", 2, 1), remove(4, "a", 1))),
    );
    expect(results.map(({ id, status, version }) => [id, status, version])).toEqual([
      [1, "applied", 1],
      [2, "applied", 1],
      [3, "applied", 2],
      [4, "applied", 2],
    ]);
    expect(lastMutation).toBe(4);
  });

  it("changes nothing when it is repeated, and says what became of each mutation", async () => {
    const replica = newReplica();
    const same = batch(put(1, "a", "first"), put(2, "a", "second", 1), put(3, "a", "late", 1));
    const first = await accepted(replica.push(same));
    const before = await pullAll(replica, 10);

    const second = await accepted(replica.push(same));
    expect(second).toEqual(await accepted(replica.push(same)));
    expect(second.results[0]).toEqual({ id: 1, status: "duplicate" });
    expect(second.results[1]).toEqual({ ...first.results[1], status: "duplicate" });
    expect(second.results[2]).toEqual(first.results[2]);
    expect(second.lastMutation).toBe(3);
    expect(second.head).toBe(first.head);
    expect(await pullAll(replica, 10)).toEqual(before);
  });

  it("takes what is new of a batch that overlaps the one before", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1), put(2, "b", 2)));
    const { results, lastMutation } = await accepted(replica.push(batch(put(2, "b", 2), put(3, "c", 3))));
    expect(results.map(({ status }) => status)).toEqual(["duplicate", "applied"]);
    expect(lastMutation).toBe(3);
  });

  it("answers a conflict with the row as it is now, and goes on", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", { theirs: true })));
    const { results } = await accepted(
      replica.push({ client: "c2", mutations: [put(1, "a", { mine: true }), put(2, "b", 1), remove(3, "none", 4)] }),
    );
    expect(results).toEqual([
      {
        id: 1,
        status: "conflict",
        version: 1,
        current: { key: "a", value: { theirs: true }, version: 1, deleted: false },
      },
      expect.objectContaining({ id: 2, status: "applied" }),
      { id: 3, status: "conflict", version: 0 },
    ]);
  });

  it("shows a deleted record as such to a client that never saw it, and lets it put on top of that", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1), remove(2, "a", 1)));
    const { results } = await accepted(replica.push({ client: "c2", mutations: [put(1, "a", 2), put(2, "a", 2, 2)] }));
    expect(results[0]).toMatchObject({ status: "conflict", current: { deleted: true, value: null, version: 2 } });
    expect(results[1]).toMatchObject({ status: "applied", version: 3 });
  });

  it("leaves current rows out of an answer that would grow past a megabyte", async () => {
    const replica = newReplica();
    const large = "x".repeat(250_000);
    for (let id = 1; id <= 6; id++) await replica.push(batch(put(id, `k${id}`, large)));
    const again = Array.from({ length: 6 }, (_, n) => put(n + 1, `k${n + 1}`, 0));
    const { results } = await accepted(replica.push({ client: "c2", mutations: again }));
    expect(results.map((result) => [result.status, "current" in result])).toEqual([
      ["conflict", true],
      ["conflict", true],
      ["conflict", true],
      ["conflict", true],
      ["conflict", false],
      ["conflict", false],
    ]);
  });

  it("refuses a gap with the last mutation it has, and applies nothing", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1)));
    expect(await replica.push(batch(put(3, "b", 1)))).toEqual({ refused: "gap", lastMutation: 1 });
    expect((await pullAll(replica, 10)).changes).toHaveLength(1);
  });

  it("refuses a client that it never saw and that does not begin at 1", async () => {
    expect(await newReplica().push(batch(put(2, "a", 1)))).toEqual({ refused: "unknown-client" });
  });

  it("refuses another principal under the same client id", async () => {
    const replica = newReplica({ store: "shared" });
    await replica.push(batch(put(1, "a", 1)));
    const mallory = storeReplica({ driver, store: "shared", principal: "mallory" });
    expect(await mallory.push(batch(put(2, "a", 2, 1)))).toEqual({ refused: "forbidden" });
    expect(await mallory.push(batch(put(1, "a", 2, 1)))).toEqual({ refused: "forbidden" });
  });

  it.each([
    ["no array", { client: "c1", mutations: {} }, ValidationError],
    ["no mutations", { client: "c1", mutations: [] }, ValidationError],
    ["no client", { mutations: [put(1, "a", 1)] }, ValidationError],
    ["a hole in the ids", batch(put(1, "a", 1), put(3, "b", 1)), ValidationError],
    ["an id of 0", batch(put(0, "a", 1)), ValidationError],
    ["an id that is text", batch(put("1" as unknown as number, "a", 1)), ValidationError],
    ["an empty key", batch(put(1, "", 1)), ValidationError],
    ["a negative base", batch(put(1, "a", 1, -1)), ValidationError],
    ["a put without a value", { client: "c1", mutations: [{ id: 1, op: "put", key: "a", base: 0 }] }, ValidationError],
    ["an unknown operation", { client: "c1", mutations: [{ id: 1, op: "drop", key: "a", base: 0 }] }, ValidationError],
    ["a merge", { client: "c1", mutations: [{ id: 1, op: "merge", key: "a", value: {} }] }, CapabilityError],
    ["an hlc", { client: "c1", mutations: [{ ...put(1, "a", 1), hlc: "0" }] }, CapabilityError],
    ["a large value", batch(put(1, "a", "x".repeat(256 * 1024))), ValidationError],
    ["NUL in a value", batch(put(1, "a", { b: "\0" })), ValidationError],
    ["501 mutations", batch(...Array.from({ length: 501 }, (_, n) => put(n + 1, "a", 1))), ValidationError],
    [
      "more than 1 MiB",
      batch(...Array.from({ length: 6 }, (_, n) => put(n + 1, "a", "x".repeat(2e5)))),
      ValidationError,
    ],
    ["a damaged cursor", { ...batch(put(1, "a", 1)), cursor: "?" }, ValidationError],
  ])("refuses %s before anything is sent", async (_, given, kind) => {
    const replica = storeReplica({ driver: unreachable, store: "s", principal: "p" });
    await expect(replica.push(given as PushBatch)).rejects.toBeInstanceOf(kind);
  });
});

describe("pull", () => {
  it("gives an empty page of a store that does not exist, and goes on from there", async () => {
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

  it("tells a stored null from a deleted record", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", null)));
    const [change] = (await page(replica.pull(null, 10))).changes;
    expect(change).toHaveProperty("value", null);
    expect(change).not.toHaveProperty("deleted");
  });

  it.each([1, 2, 3, 7, 1000])("comes to the same state with pages of %i", async (limit) => {
    const replica = newReplica();
    const mutations = Array.from({ length: 20 }, (_, n) => put(n + 1, `k${n % 13}`, n, n < 13 ? 0 : 1));
    await replica.push(batch(...mutations, remove(21, "k12", 1)));
    const { changes } = await pullAll(replica, limit);
    const state = Object.fromEntries(changes.map(({ key, value, deleted }) => [key, deleted ? "deleted" : value]));
    expect(Object.keys(state)).toHaveLength(13);
    expect(state).toMatchObject({ k0: 13, k6: 19, k7: 7, k12: "deleted" });
    expect(changes).toHaveLength(13);
  });

  it("cuts a page at its bytes, but never below one change", async () => {
    const replica = newReplica({ limits: { maxPageBytes: 1000 } });
    await replica.push(batch(put(1, "a", "x".repeat(5000)), put(2, "b", "small"), put(3, "c", "x".repeat(900))));
    const first = await page(replica.pull(null, 10));
    const second = await page(replica.pull(first.cursor, 10));
    const third = await page(replica.pull(second.cursor, 10));
    expect([first, second, third].map(({ changes, more }) => [changes.map(({ key }) => key), more])).toEqual([
      [["a"], true],
      [["b"], true],
      [["c"], false],
    ]);
  });

  it("reads no rows when nothing has changed", async () => {
    const store = "idle";
    const replica = newReplica({ store });
    await replica.push(batch(...Array.from({ length: 50 }, (_, n) => put(n + 1, `k${n}`, n))));
    const { cursor } = await pullAll(replica, 1000);
    const { epoch, lanes } = decodeCursor(cursor, "sync", store);
    const pullFrom = (from: string) => ({
      text: "select changes from persist.sync_pull($1, $2, $3, $4, $5)",
      params: [store, epoch, from, 10, 100_000],
    });
    // What this session has read of the table and its indexes and not yet reported: only its growth means something.
    const tuplesRead = {
      text: `select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::int4 as tuples
from pg_class c
left join pg_index i on i.indexrelid = c.oid
where 'persist.persist_records'::regclass in (c.oid, i.indrelid)`,
      params: [],
    };
    const [start, , idle, , busy] = (
      await driver.batch([tuplesRead, pullFrom(JSON.stringify(lanes)), tuplesRead, pullFrom("[]"), tuplesRead])
    ).map((rows) => Number(rows[0]?.["tuples"]));
    expect(idle).toBe(start);
    expect(busy).toBeGreaterThan(Number(idle));
  });

  it("refuses a cursor of another store, and a damaged one", async () => {
    const { cursor } = await page(newReplica().pull(null, 1));
    await expect(newReplica().pull(cursor, 1)).rejects.toBeInstanceOf(ValidationError);
    await expect(newReplica().pull(`${cursor}x`, 1)).rejects.toBeInstanceOf(ValidationError);
    await expect(newReplica().pull("", 1)).rejects.toBeInstanceOf(ValidationError);
  });

  it.each([0, 1001, 1.5, Number.NaN])("refuses a limit of %d", async (limit) => {
    await expect(newReplica().pull(null, limit)).rejects.toBeInstanceOf(ValidationError);
  });

  it("asks for a resync when history was replaced", async () => {
    const replica = newReplica({ store: "restored" });
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
    const { cursor } = await page(replica.pull(null, 10));
    const change = (text: string) => driver.query({ text: `update persist.persist_sync_clock ${text}`, params: [] });

    await change("set seq = 1 where store = 'restored'");
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "rewind" });
    await change("set seq = 9, floor = 5 where store = 'restored'");
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "floor" });
    await change("set epoch = gen_random_uuid() where store = 'restored'");
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "epoch" });
    await change("set store = 'elsewhere' where store = 'restored'");
    expect(await replica.pull(cursor, 10)).toEqual({ resync: "rewind" });
  });
});

describe("names", () => {
  it.each([{ store: "" }, { store: "a\0" }, { principal: "" }, { schema: 'x"; drop' }])(
    "refuses %o when the replica is made",
    (names) => {
      expect(() => storeReplica({ driver, store: "s", principal: "p", ...names })).toThrow(ValidationError);
    },
  );

  it("works in a schema of the application's own", async () => {
    const replica = newReplica({ schema: "my_app" });
    await replica.push(batch(put(1, "a", 1)));
    expect((await pullAll(replica, 1)).changes).toHaveLength(1);
  });
});

/** Whatever reaches it is a mistake of the test's subject. */
const unreachable: Driver = {
  name: "unreachable",
  query: () => Promise.reject(new Error("a statement was sent")),
  batch: () => Promise.reject(new Error("a batch was sent")),
  close: () => Promise.resolve(),
};
