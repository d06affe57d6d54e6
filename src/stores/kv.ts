import type { CallOptions, Row } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey, checkPrefix } from "../sql/key.ts";
import { checkLimit } from "../sql/limit.ts";
import { toDate } from "../sql/time.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { deleteEntry, type EncodedValue, selectEntries, selectEntry, selectKey, upsertEntry } from "./kv-statements.ts";
import type { ListOptions } from "./records.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";

/** A value under a key, with what is known of it. */
export interface KvEntry<T = unknown> {
  readonly key: string;
  readonly value: T;
  readonly version: number;
  readonly updatedAt: Date;
  /** Absent for an entry that does not expire. */
  readonly expiresAt?: Date;
}

export interface SetOptions extends CallOptions {
  /** Life in milliseconds, by the database's clock: more than 0, at most 100 years. Without it the entry stays. */
  readonly ttl?: number | undefined;
}

/**
 * Every call is one round trip. Values are JSON, or a `Uint8Array`, which comes back as one. An expired entry is absent for
 * every call and every reader at the same moment.
 */
export interface KvStore {
  /**
   * Writes a value and its life anew: without `ttl` an entry that had one stays for ever.
   *
   * @throws ValidationError when key, value or ttl cannot be stored as they are
   */
  set(key: string, value: unknown, options?: SetOptions): Promise<void>;
  /** `undefined` when there is no entry; a stored null is `null`. */
  get<T = unknown>(key: string, options?: CallOptions): Promise<T | undefined>;
  /** Whether there was something to delete. */
  delete(key: string, options?: CallOptions): Promise<boolean>;
  has(key: string, options?: CallOptions): Promise<boolean>;
  /** In key order. A page that is shorter than the limit is the last. */
  list<T = unknown>(options?: ListOptions): Promise<readonly KvEntry<T>[]>;
}

/** The key-value entries of one store. */
export function kvStore(context: StoreContext): KvStore {
  const { store, emit } = context;

  async function set(key: string, value: unknown, options: SetOptions = {}): Promise<void> {
    checkKey(key, "kv.set: key");
    const statement = upsertEntry(context, key, encode(value, context.maxValueBytes), checkTtl(options.ttl));
    await runStatement(context, "kv.set", statement, options);
    emit?.({ type: "kv:set", store, key });
  }

  async function get<T>(key: string, options?: CallOptions): Promise<T | undefined> {
    checkKey(key, "kv.get: key");
    const [row] = await runStatement(context, "kv.get", selectEntry(context, key), options);
    return row && (decode(row) as T);
  }

  async function remove(key: string, options?: CallOptions): Promise<boolean> {
    checkKey(key, "kv.delete: key");
    const rows = await runStatement(context, "kv.delete", deleteEntry(context, key), options);
    if (onlyRow(rows, "kv.delete")["status"] !== "applied") return false;
    emit?.({ type: "kv:delete", store, key });
    return true;
  }

  async function has(key: string, options?: CallOptions): Promise<boolean> {
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

  return { set, get, delete: remove, has, list };
}

const MAX_TTL_MS = 100 * 365.25 * 24 * 60 * 60 * 1000;

function checkTtl(ttl: number | undefined): number | null {
  if (ttl === undefined) return null;
  if (typeof ttl === "number" && ttl > 0 && ttl <= MAX_TTL_MS) return ttl;
  throw new ValidationError(
    "kv.set: ttl is a life in milliseconds, more than 0 and at most 100 years; leave it out for ever",
  );
}

function encode(value: unknown, maxBytes: number | undefined): EncodedValue {
  return value instanceof Uint8Array
    ? { json: toJson(toBase64(value), "kv.set: value", maxBytes), encoding: "base64" }
    : { json: toJson(value, "kv.set: value", maxBytes), encoding: null };
}

function decode(row: Row): unknown {
  return row["encoding"] === "base64" ? fromBase64(String(row["value"])) : row["value"];
}

function toEntry<T>(row: Row): KvEntry<T> {
  return {
    key: String(row["key"]),
    value: decode(row) as T,
    version: Number(row["version"]),
    updatedAt: toDate(row["updated_at"]),
    ...(row["expires_at"] !== null && { expiresAt: toDate(row["expires_at"]) }),
  };
}
