import type { KeyvStorageOptions } from "./keyv.ts";
import { toStorable } from "./keyv-value.ts";
import { clearPrefix, deleteInParts, entryPages, getInParts, setInParts } from "./kv-in-parts.ts";

/** An entry on its way. `ttl`: its life in milliseconds. */
export interface Keyv5Entry {
  readonly key: string;
  readonly value: unknown;
  readonly ttl?: number | undefined;
}

/**
 * A storage adapter as Keyv 5 describes it (`KeyvStoreAdapter`). Keyv puts its namespace and a colon before every key by itself.
 * Every call is one round trip for each 1,000 keys, `clear` and `iterator` one or two for each 100 entries.
 */
export interface Keyv5Storage {
  /** Written by Keyv; says what `clear` clears. */
  namespace: string | undefined;
  /** Keyv gives an iterator to adapters whose dialect it knows. */
  readonly opts: { dialect: "postgres"; [option: string]: unknown };
  get<Value>(key: string): Promise<Value | undefined>;
  getMany<Value>(keys: readonly string[]): Promise<(Value | undefined)[]>;
  has(key: string): Promise<boolean>;
  hasMany(keys: readonly string[]): Promise<boolean[]>;
  set(key: string, value: unknown, ttl?: number): Promise<boolean>;
  setMany(entries: readonly Keyv5Entry[]): Promise<boolean[]>;
  delete(key: string): Promise<boolean>;
  /** Whether at least one was there. */
  deleteMany(keys: readonly string[]): Promise<boolean>;
  /** Everything below the namespace, or everything. */
  clear(): Promise<void>;
  /** Keys, with the namespace, and values. */
  iterator<Value>(namespace?: string): AsyncGenerator<(string | Awaited<Value> | undefined)[], void, undefined>;
  /** The only event is `error`, for a `get` that failed: Keyv 5 itself would keep that to itself. */
  on(event: string, listener: (error: unknown) => void): Keyv5Storage;
  /** Closes the store. */
  disconnect(): Promise<void>;
}

/**
 * Keeps the entries of a Keyv 5 in a store's kv. A colon in a namespace means a namespace within another: that is how Keyv 5 makes
 * its keys. What was written with it is there for Keyv 6 and `keyvStorage` too, under a namespace without `:` and `%`.
 *
 * @example
 * ```ts
 * import Keyv from "keyv"; // 5
 * import { createStore } from "onetrip";
 * import { keyv5Storage } from "onetrip/keyv";
 *
 * const store = await createStore("cache", { connectionString: "pglite:" });
 * const cache = new Keyv({ store: keyv5Storage({ store }), namespace: "pages", ttl: 60_000 });
 * await cache.set("/", "<h1>Hello</h1>");
 * await cache.get("/"); // "<h1>Hello</h1>"
 * await cache.disconnect();
 * ```
 */
export function keyv5Storage({ store, namespace }: Omit<KeyvStorageOptions, "now">): Keyv5Storage {
  const { kv } = store;
  const listeners: ((error: unknown) => void)[] = [];

  async function get<Value>(key: string): Promise<Value | undefined> {
    try {
      return await kv.get<Value>(key);
    } catch (error) {
      for (const listener of listeners) listener(error);
      throw error;
    }
  }

  async function set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    return (await setMany([{ key, value, ttl }])).every(Boolean);
  }

  async function setMany(entries: readonly Keyv5Entry[]): Promise<boolean[]> {
    await setInParts(
      kv,
      entries.map(({ key, value, ttl }) => ({ key, value: toStorable(value), ttl })),
    );
    return entries.map(() => true);
  }

  async function* iterator<Value>(of?: string): AsyncGenerator<(string | Awaited<Value>)[], void, undefined> {
    for await (const page of entryPages(kv, prefixOf(of))) {
      for (const { key, value } of page) yield [key, value as Awaited<Value>];
    }
  }

  const storage: Keyv5Storage = {
    namespace,
    opts: { dialect: "postgres" },
    get,
    getMany: (keys) => getInParts(kv, keys),
    has: (key) => kv.has(key),
    hasMany: async (keys) => (await getInParts(kv, keys)).map((value) => value !== undefined),
    set,
    setMany,
    delete: (key) => kv.delete(key),
    deleteMany: async (keys) => (await deleteInParts(kv, keys)) > 0,
    clear: () => clearPrefix(kv, prefixOf(storage.namespace)),
    iterator,
    on(event, listener) {
      if (event === "error") listeners.push(listener);
      return storage;
    },
    disconnect: () => store.close(),
  };
  return storage;
}

function prefixOf(namespace: string | undefined): string {
  return namespace ? `${namespace}:` : "";
}
