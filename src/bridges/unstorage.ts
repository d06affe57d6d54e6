import type { Store } from "../create-store.ts";
import type { KvEntry } from "../stores/kv.ts";
import { clearPrefix, entryPages, getInParts, setInParts } from "./kv-in-parts.ts";

export interface OnetripDriverOptions {
  /** Its kv holds the items. Give a storage a store name, or a `base`, of its own: `clear()` empties all of it. */
  readonly store: Pick<Store, "kv" | "close">;
  /** What the keys in kv begin with, and a colon. Default: nothing. */
  readonly base?: string | undefined;
  /** Life of an item in seconds when none is given with it. Default: for ever. */
  readonly ttl?: number | undefined;
  /** Milliseconds since 1970, for the rest of a life in `getMeta`. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The options of one call, of which `ttl` counts here: a life in seconds, as in the drivers of unstorage. */
export interface ItemOptions {
  readonly ttl?: number;
  readonly [option: string]: unknown;
}

/** What is known of an item besides its value. */
export interface ItemMeta {
  readonly mtime: Date;
  /** Seconds that are left of its life. Absent for one that stays. */
  readonly ttl?: number;
  readonly [name: string]: Date | number | undefined;
}

/**
 * A driver as unstorage 1.17 describes it (`Driver`). Every call is one round trip for each 1,000 items, `getKeys` and `clear` one
 * or two for each 100.
 */
export interface OnetripDriver {
  readonly name: "onetrip";
  readonly flags: { readonly ttl: true };
  readonly options: OnetripDriverOptions;
  getInstance(): OnetripDriverOptions["store"];
  hasItem(key: string): Promise<boolean>;
  /** Text, or what `setItemRaw` was given; `null` when there is none. */
  getItem(key: string): Promise<string | object | null>;
  getItems(items: readonly { readonly key: string }[]): Promise<{ key: string; value: string | object | null }[]>;
  /** The same. */
  getItemRaw(key: string): Promise<unknown>;
  setItem(key: string, value: string, options?: ItemOptions): Promise<void>;
  setItems(
    items: readonly { readonly key: string; readonly value: string; readonly options?: ItemOptions }[],
    common?: ItemOptions,
  ): Promise<void>;
  /** Bytes, which come back as a `Uint8Array`, or anything that is JSON. */
  setItemRaw(key: string, value: unknown, options?: ItemOptions): Promise<void>;
  removeItem(key: string): Promise<void>;
  getMeta(key: string): Promise<ItemMeta | null>;
  /** `maxDepth`: how many colons there may be in a key. */
  getKeys(base?: string, options?: { readonly maxDepth?: number }): Promise<string[]>;
  /** unstorage itself calls it for a whole mount only. */
  clear(base?: string): Promise<void>;
  /** Closes the store. */
  dispose(): Promise<void>;
}

/**
 * A driver for unstorage that keeps the items in a store's kv: text as JSON strings, raw values as bytes or JSON. An item is gone
 * the moment its life is over, by the database's clock. `watch` tells of changes by this storage alone, as unstorage does for
 * every driver that cannot watch.
 *
 * @example
 * ```ts
 * import { createStore } from "onetrip";
 * import { onetripDriver } from "onetrip/unstorage";
 * import { createStorage } from "unstorage";
 *
 * const store = await createStore("files", { connectionString: "pglite:" });
 * const storage = createStorage({ driver: onetripDriver({ store }) });
 * await storage.setItem("pages:home", { title: "Hello" }, { ttl: 60 });
 * await storage.getKeys("pages"); // ["pages:home"]
 * await storage.dispose();
 * ```
 */
export function onetripDriver(options: OnetripDriverOptions): OnetripDriver {
  const { store, base, ttl: usualTtl, now = Date.now } = options;
  const { kv } = store;
  const prefix = base ? `${base}:` : "";

  function toEntry(key: string, value: unknown, { ttl = usualTtl }: ItemOptions = {}) {
    return { key: prefix + key, value, ttl: ttl === undefined ? undefined : ttl * 1000 };
  }

  return {
    name: "onetrip",
    flags: { ttl: true },
    options,
    getInstance: () => store,
    hasItem: (key) => kv.has(prefix + key),
    getItem: async (key) => (await kv.get(prefix + key)) ?? null,
    async getItems(items) {
      const values = await getInParts<string | object>(
        kv,
        items.map(({ key }) => prefix + key),
      );
      return items.map(({ key }, index) => ({ key, value: values[index] ?? null }));
    },
    getItemRaw: async (key) => (await kv.get(prefix + key)) ?? null,
    setItem: (key, value, itemOptions) => setInParts(kv, [toEntry(key, value, itemOptions)]),
    setItems: (items, common) =>
      setInParts(
        kv,
        items.map((item) => toEntry(item.key, item.value, { ...common, ...item.options })),
      ),
    setItemRaw: (key, value, itemOptions) => setInParts(kv, [toEntry(key, toBytes(value), itemOptions)]),
    async removeItem(key) {
      await kv.delete(prefix + key);
    },
    async getMeta(key) {
      const [entry] = await kv.list({ prefix: prefix + key, limit: 1 });
      return entry?.key === prefix + key ? toMeta(entry, now()) : null;
    },
    async getKeys(below = "", { maxDepth } = {}) {
      const keys: string[] = [];
      for await (const page of entryPages(kv, prefix + below)) {
        keys.push(...page.map(({ key }) => key.slice(prefix.length)));
      }
      return maxDepth === undefined ? keys : keys.filter((key) => depthOf(key) <= maxDepth);
    },
    clear: (below = "") => clearPrefix(kv, prefix + below),
    dispose: () => store.close(),
  };
}

function toBytes(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value;
}

function toMeta({ updatedAt, expiresAt }: KvEntry, now: number): ItemMeta {
  if (expiresAt === undefined) return { mtime: updatedAt };
  return { mtime: updatedAt, ttl: Math.max(0, Math.ceil((expiresAt.getTime() - now) / 1000)) };
}

function depthOf(key: string): number {
  return key.split(":").length - 1;
}
