import { describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import type { Merge, Strategy } from "../../src/sync/strategy.ts";
import { contentOf, heard, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

/** Two devices that have synced `records`, and have then edited them without a network, the second one last. */
async function edited(
  strategy: Strategy | undefined,
  edits: {
    readonly before?: Readonly<Record<string, unknown>>;
    readonly one: (store: Store) => Promise<unknown>;
    readonly two: (store: Store) => Promise<unknown>;
  },
  merge?: Merge,
) {
  const server = await stores.store("server");
  const one = await stores.store("one");
  const two = await stores.store("two");
  const options = { remote: server, strategy, merge };
  const syncOne = stores.sync(one, options);
  const syncTwo = stores.sync(two, options);
  for (const [key, value] of Object.entries(edits.before ?? {})) await server.records.put(key, value);
  await syncOne.now();
  await syncTwo.now();
  await edits.one(one);
  // Stamps are of milliseconds.
  await new Promise((resolve) => setTimeout(resolve, 5));
  await edits.two(two);
  return { server, one, two, syncOne, syncTwo };
}

type Edited = Awaited<ReturnType<typeof edited>>;

async function settle({ syncOne, syncTwo }: Edited): Promise<void> {
  for (const sync of [syncOne, syncTwo, syncOne, syncTwo]) await sync.now();
}

/** What all three agree on. */
async function agreed({ server, one, two }: Edited): Promise<Readonly<Record<string, unknown>>> {
  const { records } = await contentOf(server);
  expect((await contentOf(one)).records).toEqual(records);
  expect((await contentOf(two)).records).toEqual(records);
  return records;
}

const put = (key: string, value: unknown) => (store: Store) => store.records.put(key, value);
const remove = (key: string) => (store: Store) => store.records.delete(key);

describe("without a strategy", () => {
  it("the remote's state wins, and the edit is kept as a dead letter", async () => {
    const all = await edited(undefined, { before: { a: 0 }, one: put("a", "one"), two: put("a", "two") });
    await all.syncOne.now();
    const told = heard(all.two, "*");
    expect(await all.syncTwo.now()).toMatchObject({ conflicts: 1, done: true });
    const base = { store: all.two.name, remote: `store:${all.server.name}` };
    expect(told).toContainEqual({ ...base, type: "sync:conflict", kind: "record", key: "a", winner: "remote" });
    expect(told).toContainEqual({ type: "record:conflict", store: all.two.name, key: "a", currentVersion: 2 });
    expect(told).toContainEqual({ ...base, type: "sync:dead-letter", kind: "record", key: "a", reason: "conflict" });
    await settle(all);
    expect(await agreed(all)).toEqual({ a: "one" });
    const [letter] = await all.syncTwo.failed();
    expect(letter).toMatchObject({ operation: "put", kind: "record", key: "a", reason: "conflict" });
    expect(letter?.payload["value"]).toBe("two");
    expect(await all.syncTwo.status()).toMatchObject({ failed: 1, pending: 0 });
  });

  it("a dead letter can be made an edit again", async () => {
    const all = await edited(undefined, { before: { a: 0 }, one: put("a", "one"), two: put("a", "two") });
    await settle(all);
    const [letter] = await all.syncTwo.failed();
    expect(await all.syncTwo.redrive([letter?.id ?? ""])).toBe(1);
    expect(await all.syncTwo.redrive()).toBe(0);
    await settle(all);
    await settle(all);
    expect(await agreed(all)).toEqual({ a: "two" });
    expect(await all.syncTwo.failed()).toEqual([]);
  });

  it("a record that was made where another was deleted long ago is no conflict", async () => {
    const all = await edited(undefined, { one: put("new", 1), two: put("other", 1) });
    await all.server.records.put("new", "old");
    await all.server.records.delete("new");
    await settle(all);
    expect(await agreed(all)).toEqual({ new: 1, other: 1 });
    expect(await all.syncOne.failed()).toEqual([]);
  });

  it("equal edits are no conflict", async () => {
    const all = await edited(undefined, {
      before: { a: 0 },
      one: put("a", { x: 1, y: 2 }),
      two: put("a", { y: 2, x: 1 }),
    });
    await settle(all);
    expect(await agreed(all)).toEqual({ a: { x: 1, y: 2 } });
    expect(await all.syncTwo.failed()).toEqual([]);
  });
});

describe("last-write-wins", () => {
  it("takes the later edit, whoever syncs first", async () => {
    for (const order of ["one", "two"]) {
      const all = await edited("last-write-wins", {
        before: { a: 0, b: 0 },
        one: put("a", "one"),
        two: put("a", "two"),
      });
      await (order === "one" ? all.syncOne : all.syncTwo).now();
      await settle(all);
      await settle(all);
      expect(await agreed(all)).toEqual({ a: "two", b: 0 });
      expect(await all.syncOne.failed()).toEqual([]);
    }
  });

  it("takes a later deletion too", async () => {
    const all = await edited("last-write-wins", { before: { a: 0 }, one: put("a", "one"), two: remove("a") });
    await settle(all);
    await settle(all);
    expect(await agreed(all)).toEqual({});
  });

  it("decides entries in the same way under every strategy", async () => {
    const all = await edited(undefined, {
      one: (store) => store.kv.set("theme", "one"),
      two: (store) => store.kv.set("theme", "two"),
    });
    await all.syncTwo.now();
    await settle(all);
    expect((await contentOf(all.server)).kv).toEqual({ theme: "two" });
    expect((await contentOf(all.one)).kv).toEqual({ theme: "two" });
    expect((await contentOf(all.two)).kv).toEqual({ theme: "two" });
    expect(await all.syncOne.failed()).toEqual([]);
  });
});

describe("merge", () => {
  it("puts what both have changed together", async () => {
    const all = await edited("merge", {
      before: { a: { title: "t", text: "old", tags: { x: 1, y: 1 } } },
      one: put("a", { title: "t", text: "one", tags: { x: 1 } }),
      two: put("a", { title: "two", text: "old", tags: { x: 1, y: 1, z: 1 } }),
    });
    await settle(all);
    await settle(all);
    expect(await agreed(all)).toEqual({ a: { title: "two", text: "one", tags: { x: 1, z: 1 } } });
    expect(await all.syncTwo.failed()).toEqual([]);
  });

  it("keeps an edit over a deletion, on whichever side", async () => {
    const deletedFirst = await edited("merge", { before: { a: 0 }, one: remove("a"), two: put("a", "two") });
    await settle(deletedFirst);
    await settle(deletedFirst);
    expect(await agreed(deletedFirst)).toEqual({ a: "two" });
    const editedFirst = await edited("merge", { before: { a: 0 }, one: put("a", "one"), two: remove("a") });
    await settle(editedFirst);
    await settle(editedFirst);
    expect(await agreed(editedFirst)).toEqual({ a: "one" });
  });

  it("asks the function, with both sides and what they began with", async () => {
    const seen: unknown[] = [];
    const sum: Merge = (sides) => {
      seen.push(sides);
      const { base = 0, local = 0, remote = 0 } = sides as unknown as Record<string, number>;
      return local + remote - base;
    };
    const all = await edited("merge", { before: { n: 10 }, one: put("n", 11), two: put("n", 15) }, sum);
    await settle(all);
    await settle(all);
    expect(await agreed(all)).toEqual({ n: 16 });
    expect(seen).toEqual([{ key: "n", base: 10, local: 15, remote: 11 }]);
  });

  it("deletes where the function gives nothing", async () => {
    const all = await edited("merge", { before: { a: 0 }, one: put("a", 1), two: put("a", 2) }, () => undefined);
    await settle(all);
    await settle(all);
    expect(await agreed(all)).toEqual({});
  });

  it("leaves to a person what the function cannot do", async () => {
    for (const bad of [
      () => {
        throw new Error("cannot");
      },
      () => Number.NaN,
      () => Promise.resolve(1),
    ]) {
      const all = await edited("merge", { before: { a: 0 }, one: put("a", 1), two: put("a", 2) }, bad);
      await all.syncOne.now();
      const told = heard(all.two, "sync:conflict");
      await all.syncTwo.now();
      expect(told).toMatchObject([{ key: "a", winner: "manual", error: expect.any(Error) }]);
      expect(await all.two.records.conflicts()).toHaveLength(1);
      await all.two.records.resolve("a", { value: 3 });
      await settle(all);
      expect(await agreed(all)).toEqual({ a: 3 });
    }
  });
});

describe("manual", () => {
  const newConflict = async () => {
    const all = await edited("manual", { before: { a: "old", b: 0 }, one: put("a", "one"), two: put("a", "two") });
    await all.syncOne.now();
    await all.syncTwo.now();
    return all;
  };

  it("keeps both, and goes on with the rest", async () => {
    const all = await newConflict();
    await all.two.records.put("b", 1);
    expect(await all.syncTwo.now()).toMatchObject({ pushed: 1, conflicts: 0, done: true });
    expect((await all.two.records.get("a")).value).toBe("two");
    expect(await all.syncTwo.status()).toMatchObject({ conflicts: 1, pending: 0, failed: 0 });
    expect(await all.two.records.conflicts()).toEqual([
      {
        key: "a",
        remote: `store:${all.server.name}`,
        local: { value: "two", version: 2 },
        theirs: { value: "one", version: 2 },
      },
    ]);
    expect(await all.one.records.conflicts()).toEqual([]);
    expect(await all.two.records.conflicts({ remote: "another" })).toEqual([]);
  });

  it("ends with whom a person chooses", async () => {
    for (const [winner, result] of [
      ["local", "two"],
      ["remote", "one"],
      [{ value: "both" }, "both"],
      [{ value: null }, null],
    ] as const) {
      const all = await newConflict();
      expect(await all.two.records.resolve("a", winner)).toBe(true);
      expect(await all.two.records.resolve("a", winner)).toBe(false);
      expect(await all.two.records.conflicts()).toEqual([]);
      await settle(all);
      await settle(all);
      expect(await agreed(all)).toEqual({ a: result, b: 0 });
    }
  });

  it("shows a side that is deleted without a value", async () => {
    const all = await edited("manual", { before: { a: 0, b: 0 }, one: remove("a"), two: put("a", 1) });
    await all.syncOne.now();
    await all.syncTwo.now();
    const [conflict] = await all.two.records.conflicts();
    expect(conflict?.theirs).toEqual({ value: undefined, version: 2 });
    const told = heard(all.two, "record:resolve");
    await all.two.records.resolve("a", "remote");
    expect(told).toEqual([{ type: "record:resolve", store: all.two.name, key: "a", winner: "remote" }]);
    await settle(all);
    expect(await agreed(all)).toEqual({ b: 0 });
  });
});
