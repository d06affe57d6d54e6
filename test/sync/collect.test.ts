import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { collectTombstones } from "../../src/sync/collect.ts";
import { forgetRemote } from "../../src/sync/forget-remote.ts";
import { pullAll, withReplicas } from "./replicas.ts";

const { both, driver, ask } = withReplicas();

/** A store with two records and two entries that were deleted, and one of each that was not. */
async function withTombstones() {
  const { store, replica } = await both();
  for (const key of ["a", "b", "c"]) {
    await store.records.put(key, 1);
    await store.kv.set(key, 1);
  }
  for (const key of ["a", "b"]) {
    await store.records.delete(key);
    await store.kv.delete(key);
  }
  const collect = (options: Parameters<typeof collectTombstones>[1]) =>
    collectTombstones({ driver: driver(), store: store.name }, options);
  return { store, replica, collect, target: { driver: driver(), store: store.name } };
}

describe("collecting tombstones", () => {
  it("takes those that are old enough, in steps, and leaves what lives", async () => {
    const { store, replica, collect } = await withTombstones();
    expect(await collect({})).toBe(0);
    await ask(
      "update persist.persist_records set updated_at = now() - interval '31 days' where store = $1 and key = 'a'",
      store.name,
    );
    expect(await collect({})).toBe(1);
    const progress: number[] = [];
    expect(await collect({ olderThanMs: 0, limit: 1, onProgress: ({ collected }) => progress.push(collected) })).toBe(
      3,
    );
    expect(progress).toEqual([2, 3]);
    expect((await pullAll(replica, 10)).changes).toMatchObject([
      { kind: "record", key: "c" },
      { kind: "kv", key: "c" },
    ]);
    expect(await collect({ olderThanMs: 0 })).toBe(0);
  });

  it("lets versions begin anew only where nobody can still hold the old ones", async () => {
    const { store, replica, collect } = await withTombstones();
    const { cursor } = await pullAll(replica, 10);
    await collect({ olderThanMs: 0 });
    expect((await store.records.put("a", 2)).version).toBe(1);
    expect((await pullAll(replica, 10, { from: cursor })).changes).toMatchObject([{ key: "a", version: 1 }]);
  });

  it("does not take what a remote has not got", async () => {
    const { store, collect, target } = await withTombstones();
    await ask(
      `insert into persist.persist_sync_remotes
  (store, remote, client, last_mutation, acknowledged, pushed, "position", generation, clock_ahead_ms, created_at)
values ($1, 'central', 'c', 0, 0, '[]', '[]', 0, 0, now())`,
      store.name,
    );
    const has = (kind: string, key: string, version: number, theirs: string | null = null) =>
      ask(
        `insert into persist.persist_sync_bases
  (store, remote, kind, key, version, local_version, deleted, generation, theirs)
values ($1, 'central', $2, $3, 1, $4, true, 0, $5::text::jsonb)`,
        store.name,
        kind,
        key,
        version,
        theirs,
      );
    await ask(
      `insert into persist.persist_sync_queue
  (store, remote, id, mutation, operation, kind, key, local_version, payload, status, attempts, created_at, updated_at)
values ($1, 'central', gen_random_uuid(), 1, 'put', 'record', 'a', 1, '{}', 'in_flight', 1, now(), now())`,
      store.name,
    );
    await has("record", "b", 1);
    await has("kv", "a", 2, '{"key":"a"}');
    await has("kv", "b", 1);
    expect(await collect({ olderThanMs: 0 })).toBe(0);
    await ask("delete from persist.persist_sync_queue where store = $1", store.name);
    await ask("update persist.persist_sync_bases set local_version = 2 where store = $1 and kind = 'kv'", store.name);
    // The record was never heard of there, and the entry's deletion is known.
    expect(await collect({ olderThanMs: 0 })).toBe(2);
    const left = (table: string) => ask(`select key from persist.${table} where store = $1 order by key`, store.name);
    expect(await left("persist_records")).toEqual([{ key: "b" }, { key: "c" }]);
    expect(await left("persist_kv")).toEqual([{ key: "a" }, { key: "c" }]);
    expect(await left("persist_sync_bases")).toEqual([{ key: "a" }, { key: "b" }]);

    expect(await forgetRemote(target, "other")).toBe(false);
    expect(await forgetRemote(target, "central")).toBe(true);
    expect(await left("persist_sync_bases")).toEqual([]);
    expect(await collect({ olderThanMs: 0 })).toBe(2);
  });

  it("stops between two statements when it is told to", async () => {
    const { collect } = await withTombstones();
    const stop = new AbortController();
    const collecting = collect({ olderThanMs: 0, limit: 1, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(collecting).rejects.toMatchObject({ code: "aborted" });
    expect(await collect({ olderThanMs: 0 })).toBe(2);
  });

  it.each([
    { olderThanMs: -1 },
    { olderThanMs: Number.NaN },
    { olderThanMs: Number.POSITIVE_INFINITY },
    { limit: 0 },
    { limit: 1.5 },
    { limit: 10_001 },
  ])("refuses %o", async (options) => {
    const target = { driver: driver(), store: "s" };
    await expect(collectTombstones(target, options)).rejects.toBeInstanceOf(ValidationError);
  });
});
