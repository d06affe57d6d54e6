import type { CallOptions, Row } from "../driver.ts";
import { checkKey, checkPrefix } from "../sql/key.ts";
import { checkLimit } from "../sql/limit.ts";
import { toDate } from "../sql/time.ts";
import { type KvBulk, kvBulk } from "./kv-bulk.ts";
import { type KvConditional, kvConditional } from "./kv-conditional.ts";
import { deleteEntry, deleteExpired, selectEntries, selectEntry, selectKey, upsertEntry } from "./kv-statements.ts";
import { checkTtl, decodeValue, encodeValue, type SetOptions } from "./kv-value.ts";
import type { ReadOptions } from "./read-options.ts";
import type { ListOptions } from "./records.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";
import { workLimit } from "./work-limit.ts";
import { runWrite, type WriteOptions } from "./write-once.ts";

/** A value under a key, with what is known of it. */
export interface KvEntry<T = unknown> {
  readonly key: string;
  readonly value: T;
  /** 1 for the first write, one more with each later one. It begins at 1 again after the entry expired and was swept. */
  readonly version: number;
  readonly updatedAt: Date;
  /** Absent for an entry that does not expire. */
  readonly expiresAt?: Date;
}

export interface SweepOptions extends CallOptions {
  /** How many entries go in this call at most: 1 to 10,000, which is the default. */
  readonly limit?: number | undefined;
}

/**
 * Every call is one round trip. Values are JSON, or a `Uint8Array`, which comes back as one. An expired entry is absent for
 * every call and every reader at the same moment.
 */
export interface KvStore extends KvBulk, KvConditional {
  /**
   * Writes a value and its life anew: without `ttl` an entry that had one stays for ever.
   *
   * @throws ValidationError when key, value or ttl cannot be stored as they are
   */
  set(key: string, value: unknown, options?: SetOptions): Promise<void>;
  /** `undefined` when there is no entry; a stored null is `null`. */
  get<T = unknown>(key: string, options?: ReadOptions): Promise<T | undefined>;
  /** Whether there was something to delete. */
  delete(key: string, options?: WriteOptions): Promise<boolean>;
  has(key: string, options?: ReadOptions): Promise<boolean>;
  /** In key order. A page that is shorter than the limit is the last. */
  list<T = unknown>(options?: ListOptions): Promise<readonly KvEntry<T>[]>;
  /**
   * Clears expired entries away and says how many. As long as that is `limit`, there may be more: call again. Nothing but space
   * depends on it: an expired entry is absent before it is swept. An entry that is written at the same moment stays.
   */
  sweep(options?: SweepOptions): Promise<number>;
}

/** The key-value entries of one store. */
export function kvStore(context: StoreContext): KvStore {
  const { store, emit } = context;

  async function set(key: string, value: unknown, options: SetOptions = {}): Promise<void> {
    checkKey(key, "kv.set: key");
    const encoded = encodeValue(value, "kv.set: value", context.maxValueBytes);
    await runWrite(context, "kv.set", upsertEntry(key, encoded, checkTtl(options.ttl, "kv.set")), options);
    emit?.({ type: "kv:set", store, key });
  }

  async function get<T>(key: string, options?: ReadOptions): Promise<T | undefined> {
    checkKey(key, "kv.get: key");
    const [row] = await runStatement(context, "kv.get", selectEntry(context, key), options);
    return row && (decodeValue(row) as T);
  }

  async function remove(key: string, options?: WriteOptions): Promise<boolean> {
    checkKey(key, "kv.delete: key");
    const rows = await runWrite(context, "kv.delete", deleteEntry(key), options);
    if (onlyRow(rows, "kv.delete")["status"] !== "applied") return false;
    emit?.({ type: "kv:delete", store, key });
    return true;
  }

  async function has(key: string, options?: ReadOptions): Promise<boolean> {
    checkKey(key, "kv.has: key");
    return (await runStatement(context, "kv.has", selectKey(context, key), options)).length > 0;
  }

  async function list<T>(options: ListOptions = {}): Promise<readonly KvEntry<T>[]> {
    const { prefix = "", after } = options;
    checkPrefix(prefix, "kv.list: prefix");
    if (after !== undefined) checkPrefix(after, "kv.list: after");
    const page = { prefix, after, limit: checkLimit(options.limit, "kv.list") };
    const rows = await runStatement(context, "kv.list", selectEntries(context, page), options);
    return rows.map((row) => toEntry<T>(row));
  }

  async function sweep(options: SweepOptions = {}): Promise<number> {
    const statement = deleteExpired(context, workLimit(options.limit, "kv.sweep"));
    const row = onlyRow(await runStatement(context, "kv.sweep", statement, options), "kv.sweep");
    return Number(row["swept"]);
  }

  return { set, get, delete: remove, has, list, sweep, ...kvBulk(context), ...kvConditional(context) };
}

function toEntry<T>(row: Row): KvEntry<T> {
  return {
    key: String(row["key"]),
    value: decodeValue(row) as T,
    version: Number(row["version"]),
    updatedAt: toDate(row["updated_at"]),
    ...(row["expires_at"] !== null && { expiresAt: toDate(row["expires_at"]) }),
  };
}
