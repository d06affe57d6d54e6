import { expect, it, vi } from "vitest";
import type { Store } from "../../src/create-store.ts";
import type { NewStore } from "./stores.ts";

/** What both versions of Keyv have in common. */
export interface AnyKeyv {
  get(key: string): Promise<unknown>;
  get(keys: string[]): Promise<unknown[]>;
  set(key: string, value: unknown, ttl?: number): Promise<boolean>;
  setMany(entries: { key: string; value: unknown; ttl?: number }[]): Promise<boolean[]>;
  has(key: string): Promise<boolean>;
  hasMany(keys: string[]): Promise<boolean[]>;
  delete(key: string): Promise<boolean>;
  clear(): Promise<void>;
  disconnect(): Promise<void>;
  on(event: string, listener: (error: Error) => void): unknown;
}

export interface KeyvUnderTest {
  open(store: Store, options?: { readonly namespace?: string; readonly ttl?: number }): AnyKeyv;
  /** All pairs, by Keyv's own iterator. */
  pairsOf(keyv: AnyKeyv): AsyncIterable<unknown>;
}

/** What Keyv promises over any storage, whichever version it is. */
export function describeKeyv(newStore: NewStore, { open, pairsOf }: KeyvUnderTest): void {
  it("gives back every kind of value that Keyv can serialize", async () => {
    const keyv = open(await newStore());
    const bytes = Buffer.from([0, 255, 128]);
    const values = [false, true, 0, -1.5, "", "text", "'", '"', ":colon", [], [null], {}, { a: { b: "𐀀\0\ud800" } }];
    for (const value of [...values, null, bytes, { bytes }]) {
      expect(await keyv.set("key", value)).toBe(true);
      expect(await keyv.get("key")).toEqual(value);
    }
    await keyv.set("key", undefined);
    expect(await keyv.get("key")).toBeUndefined();
    for (const key of ["'", '"', "%", "_", "\\", "a:b", "𐀀"]) {
      await keyv.set(key, key);
      expect(await keyv.get(key)).toBe(key);
    }
  });

  it("tells what is there from what is not", async () => {
    const keyv = open(await newStore());
    await keyv.set("a", 1);
    await keyv.set("null", null);
    expect(await keyv.get("none")).toBeUndefined();
    expect(await keyv.get(["a", "none", "null", "a"])).toEqual([1, undefined, null, 1]);
    expect(await keyv.get(["none", "nor"])).toEqual([undefined, undefined]);
    expect([await keyv.has("a"), await keyv.has("none")]).toEqual([true, false]);
    expect(await keyv.hasMany(["a", "none", "null"])).toEqual([true, false, true]);
    expect(await keyv.delete("a")).toBe(true);
    expect(await keyv.delete("a")).toBe(false);
    expect(await keyv.get("a")).toBeUndefined();
  });

  it("sets many at once, each with a life of its own", async () => {
    const store = await newStore();
    const keyv = open(store, { namespace: "n" });
    const entries = [
      { key: "a", value: 1 },
      { key: "b", value: 2, ttl: 600_000 },
      { key: "c", value: 3, ttl: 1 },
    ];
    expect(await keyv.setMany(entries)).toEqual([true, true, true]);
    await vi.waitFor(async () => expect(await store.kv.list()).toHaveLength(2));
    expect(await keyv.get(["a", "b", "c"])).toEqual([1, 2, undefined]);
    const [a, b] = await store.kv.list();
    expect(a).not.toHaveProperty("expiresAt");
    expect(b?.expiresAt?.getTime()).toBeGreaterThan(Date.now() + 300_000);
    expect(await keyv.setMany([])).toEqual([]);
  });

  it("has nothing left when its life is over, by the clock of the database", async () => {
    const store = await newStore();
    const keyv = open(store, { namespace: "n", ttl: 1 });
    await keyv.set("a", 1);
    await keyv.set("b", 2, 600_000);
    await vi.waitFor(async () => expect(await store.kv.has("n:a")).toBe(false));
    expect(await keyv.get("a")).toBeUndefined();
    expect(await keyv.has("a")).toBe(false);
    expect(await keyv.delete("a")).toBe(false);
    expect(await keyv.get("b")).toBe(2);
    expect(await collect(pairsOf(keyv))).toEqual([["b", 2]]);
  });

  it("keeps namespaces apart, also those that look like a pattern of another", async () => {
    const store = await newStore();
    const names = ["a_", "ab", "a%", "a\\", "a"];
    const keyvs = names.map((namespace) => open(store, { namespace }));
    for (const [index, keyv] of keyvs.entries())
      await keyv.setMany([
        { key: "k", value: index },
        { key: "l", value: index },
      ]);
    for (const [index, keyv] of keyvs.entries()) {
      expect(await keyv.get("k")).toBe(index);
      expect(await collect(pairsOf(keyv))).toEqual([
        ["k", index],
        ["l", index],
      ]);
    }
    expect(await keyvs[0]?.delete("k")).toBe(true);
    await keyvs[0]?.clear();
    await keyvs[4]?.clear();
    const found = await Promise.all(keyvs.map((keyv) => keyv.get(["k", "l"])));
    expect(found).toEqual([
      [undefined, undefined],
      [1, 1],
      [2, 2],
      [3, 3],
      [undefined, undefined],
    ]);
  });

  it("takes more entries than an operation of kv does", async () => {
    const store = await newStore();
    const keyv = open(store, { namespace: "many" });
    const other = open(store, { namespace: "other" });
    await other.set("stays", 1);
    const entries = Array.from({ length: 1203 }, (_, i) => ({ key: `key-${1000 + i}`, value: i }));
    expect((await keyv.setMany(entries)).every(Boolean)).toBe(true);
    expect(await keyv.get(entries.map(({ key }) => key))).toEqual(entries.map(({ value }) => value));
    expect(await collect(pairsOf(keyv))).toEqual(entries.map(({ key, value }) => [key, value]));
    await keyv.clear();
    expect(await keyv.clear()).toBeUndefined();
    expect(await collect(pairsOf(keyv))).toEqual([]);
    expect(await other.get("stays")).toBe(1);
  });

  it("tells Keyv's listeners of what cannot be stored", async () => {
    const keyv = open(await newStore());
    const errors: string[] = [];
    keyv.on("error", (error) => errors.push(error.message));
    expect(await keyv.set("k".repeat(2000), 1)).toBe(false);
    expect(errors).toEqual([expect.stringContaining("longer than 1024 bytes")]);
  });

  it("closes the store when it is disconnected", async () => {
    const store = await newStore();
    const close = vi.fn(async () => {});
    await open({ ...store, close }).disconnect();
    expect(close).toHaveBeenCalledOnce();
  });
}

/** Everything of an iterator. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
