import type { Store } from "../create-store.ts";
import { CapabilityError } from "../errors.ts";
import { toStorable } from "./keyv-value.ts";
import { clearPrefix, entryPages, getInParts, inParts, setInParts } from "./kv-in-parts.ts";

export { type Keyv5Storage, keyv5Storage } from "./keyv5.ts";

export interface KeyvStorageOptions {
  /** Its kv holds the entries. Give a cache a store name of its own: without a namespace `clear()` empties all of its kv. */
  readonly store: Pick<Store, "kv" | "transaction" | "close">;
  /** What the keys of this cache begin with, and a colon. Keyv sets its own here, if it has one. */
  readonly namespace?: string | undefined;
  /** Milliseconds since 1970, as Keyv counts them. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** An entry on its way. `expires`: milliseconds since 1970. */
export interface KeyvStorageEntry {
  readonly key: string;
  readonly value: unknown;
  readonly expires?: number | undefined;
}

/**
 * A storage adapter as Keyv 6 describes it (`KeyvStorageAdapter`). Every call is one round trip for each 1,000 keys (500 in
 * `deleteMany`), `clear` and `iterator` one or two for each 100 entries.
 */
export interface KeyvStorage {
  namespace: string | undefined;
  /** Tells Keyv 6 that times of expiry are absolute, so that it uses this object as it is. */
  readonly capabilities: { readonly expires: true };
  get<Value>(key: string): Promise<Value | undefined>;
  getMany<Value>(keys: readonly string[]): Promise<(Value | undefined)[]>;
  has(key: string): Promise<boolean>;
  hasMany(keys: readonly string[]): Promise<boolean[]>;
  /** What is over already is deleted. */
  set(key: string, value: unknown, expires?: number): Promise<boolean>;
  setMany(entries: readonly KeyvStorageEntry[]): Promise<boolean[]>;
  delete(key: string): Promise<boolean>;
  /** Which of the keys were there. */
  deleteMany(keys: readonly string[]): Promise<boolean[]>;
  /** Everything below the namespace. */
  clear(): Promise<void>;
  /** Keys, without the namespace, and values. */
  iterator(): AsyncGenerator<[key: string, value: unknown], void, undefined>;
  /** Closes the store. */
  disconnect(): Promise<void>;
}

/**
 * Keeps the entries of a Keyv 6 in a store's kv. How long an entry lives is counted by the database from the moment it is
 * written; nobody sees it afterwards. `store.kv.sweep()` frees the space. For Keyv 5 there is {@link keyv5Storage}.
 *
 * One object for each Keyv: Keyv writes its namespace into it.
 *
 * @example
 * ```ts
 * import Keyv from "keyv";
 * import { createStore } from "onetrip";
 * import { keyvStorage } from "onetrip/keyv";
 *
 * const store = await createStore("cache", { connectionString: "pglite:" });
 * const cache = new Keyv({ store: keyvStorage({ store }), namespace: "pages", ttl: 60_000 });
 * await cache.set("/", "<h1>Hello</h1>");
 * await cache.get("/"); // "<h1>Hello</h1>"
 * await cache.disconnect();
 * ```
 */
export function keyvStorage({ store, namespace, now = Date.now }: KeyvStorageOptions): KeyvStorage {
  const { kv } = store;

  async function set(key: string, value: unknown, expires?: number): Promise<boolean> {
    return (await setMany([{ key, value, expires }])).every(Boolean);
  }

  async function setMany(entries: readonly KeyvStorageEntry[]): Promise<boolean[]> {
    const prefix = prefixOf(storage);
    const at = now();
    await setInParts(
      kv,
      entries.map(({ key, value, expires }) => {
        return { key: prefix + key, value: toStorable(value), ttl: lifeUntil(expires, at) };
      }),
    );
    return entries.map(() => true);
  }

  async function getMany<Value>(keys: readonly string[]): Promise<(Value | undefined)[]> {
    const prefix = prefixOf(storage);
    return getInParts<Value>(
      kv,
      keys.map((key) => prefix + key),
    );
  }

  async function deleteMany(keys: readonly string[]): Promise<boolean[]> {
    const deleted: boolean[] = [];
    const prefix = prefixOf(storage);
    for (const part of inParts(keys, MAX_OPERATIONS)) {
      const operations = part.map((key) => ({ op: "kv.delete", key: prefix + key }) as const);
      deleted.push(...(await store.transaction(operations)));
    }
    return deleted;
  }

  async function* iterator(): AsyncGenerator<[string, unknown], void, undefined> {
    const prefix = prefixOf(storage);
    for await (const page of entryPages(kv, prefix)) {
      for (const { key, value } of page) yield [key.slice(prefix.length), value];
    }
  }

  const storage: KeyvStorage = {
    namespace,
    capabilities: { expires: true },
    get: (key) => kv.get(prefixOf(storage) + key),
    getMany,
    has: (key) => kv.has(prefixOf(storage) + key),
    hasMany: async (keys) => (await getMany(keys)).map((value) => value !== undefined),
    set,
    setMany,
    delete: (key) => kv.delete(prefixOf(storage) + key),
    deleteMany,
    clear: () => clearPrefix(kv, prefixOf(storage)),
    iterator,
    disconnect: () => store.close(),
  };
  return storage;
}

/** How many operations a transaction takes. */
const MAX_OPERATIONS = 500;

/** A colon within the namespace is escaped: or else clearing `a` would clear `a:b` too. */
function prefixOf({ namespace }: KeyvStorage): string {
  return namespace ? `${namespace.replaceAll("%", "%25").replaceAll(":", "%3A")}:` : "";
}

function lifeUntil(expires: number | undefined, now: number): number | undefined {
  if (expires === undefined) return undefined;
  if (expires < EARLIEST) {
    throw new CapabilityError("keyvStorage is for Keyv 6, and this call came from Keyv 5; give it keyv5Storage");
  }
  return expires - now;
}

/** A time of expiry before September 2001 is no time but a duration, of up to 31 years. */
const EARLIEST = 1e12;
