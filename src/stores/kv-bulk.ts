import { ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { exceedsBytes } from "../sql/utf8.ts";
import { deleteEntries, selectEntriesOf, upsertEntries } from "./kv-statements.ts";
import { checkTtl, decodeValue, encodeValue, type SetOptions } from "./kv-value.ts";
import type { ReadOptions } from "./read-options.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";
import { runWrite, type WriteOptions } from "./write-once.ts";

/** An entry for `setMany`, as a pair or with a life of its own. */
export type NewKvEntry =
  | readonly [key: string, value: unknown]
  | {
      readonly key: string;
      readonly value: unknown;
      /** As in `set`. Default: that of the call. */
      readonly ttl?: number | undefined;
    };

/** At most 1,000 keys or entries in a call. An empty list is an answer at once: nothing is sent. */
export interface KvBulk {
  /** The values in the order of the keys, `undefined` where there is no entry. A key may be asked for twice. */
  getMany<T = unknown>(keys: readonly string[], options?: ReadOptions): Promise<readonly (T | undefined)[]>;
  /**
   * Writes entries as `set` does, all or none, 8 MiB of JSON in all. When a key occurs twice the last one counts.
   *
   * @throws ValidationError when one of them cannot be stored as it is, or they are too many or too large
   * @example
   * ```ts
   * await store.kv.setMany([["a", 1], { key: "b", value: 2, ttl: 60_000 }]);
   * ```
   */
  setMany(entries: readonly NewKvEntry[], options?: SetOptions): Promise<void>;
  /** Deletes entries, all or none, and says how many were there. */
  deleteMany(keys: readonly string[], options?: WriteOptions): Promise<number>;
}

/** Operations on several entries of one store. */
export function kvBulk(context: StoreContext): KvBulk {
  const { store, emit } = context;

  async function getMany<T>(keys: readonly string[], options?: ReadOptions): Promise<readonly (T | undefined)[]> {
    const distinct = distinctKeys(keys, "kv.getMany");
    if (distinct.length === 0) return [];
    const rows = await runStatement(context, "kv.getMany", selectEntriesOf(context, distinct), options);
    const values = new Map(rows.map((row) => [row["key"], decodeValue(row) as T]));
    return keys.map((key) => values.get(key));
  }

  async function setMany(entries: readonly NewKvEntry[], options: SetOptions = {}): Promise<void> {
    const encoded = encodeEntries(entries, options.ttl, context.maxValueBytes);
    if (encoded.size === 0) return;
    const json = `[${[...encoded.values()].join(",")}]`;
    if (exceedsBytes(json, MAX_TOTAL_BYTES)) {
      throw new ValidationError("kv.setMany: more than 8 MiB in a call; set the rest in another");
    }
    await runWrite(context, "kv.setMany", upsertEntries(json), options);
    for (const key of encoded.keys()) emit?.({ type: "kv:set", store, key });
  }

  async function deleteMany(keys: readonly string[], options?: WriteOptions): Promise<number> {
    const distinct = distinctKeys(keys, "kv.deleteMany");
    if (distinct.length === 0) return 0;
    const rows = await runWrite(context, "kv.deleteMany", deleteEntries(distinct), options);
    const deleted = onlyRow(rows, "kv.deleteMany")["deleted"] as readonly string[];
    for (const key of deleted) emit?.({ type: "kv:delete", store, key });
    return deleted.length;
  }

  return { getMany, setMany, deleteMany };
}

const MAX_ENTRIES = 1000;
const MAX_TOTAL_BYTES = 8 * 1024 * 1024;

function distinctKeys(keys: readonly string[], what: string): readonly string[] {
  checkList(keys, what);
  return [...new Set(Array.from(keys, (key, index) => checkKey(key, `${what}: keys[${index}]`)))];
}

/** JSON text of `[key, value, encoding, ttl]` by key. */
function encodeEntries(
  entries: readonly NewKvEntry[],
  ttl: number | undefined,
  maxBytes: number | undefined,
): ReadonlyMap<string, string> {
  checkList(entries, "kv.setMany");
  const common = checkTtl(ttl, "kv.setMany");
  const encoded = new Map<string, string>();
  for (const [index, entry] of entries.entries()) {
    const what = `kv.setMany: entries[${index}]`;
    const { key, value, life } = partsOf(entry, what);
    checkKey(key, `${what}.key`);
    const { json, encoding } = encodeValue(value, `${what}.value`, maxBytes);
    const own = life === undefined ? common : checkTtl(life, what);
    encoded.set(key, `[${JSON.stringify(key)},${json},${JSON.stringify(encoding)},${JSON.stringify(own)}]`);
  }
  return encoded;
}

interface Parts {
  readonly key: string;
  readonly value: unknown;
  readonly life: number | undefined;
}

function partsOf(entry: NewKvEntry, what: string): Parts {
  if (isPair(entry)) return { key: entry[0], value: entry[1], life: undefined };
  if (typeof entry === "object" && entry !== null && !Array.isArray(entry)) {
    return { key: entry.key, value: entry.value, life: entry.ttl };
  }
  throw new ValidationError(`${what} must be [key, value] or { key, value, ttl }`);
}

function isPair(entry: NewKvEntry): entry is Extract<NewKvEntry, readonly unknown[]> {
  return Array.isArray(entry) && entry.length === 2;
}

function checkList(list: readonly unknown[], what: string): void {
  if (!Array.isArray(list)) throw new ValidationError(`${what}: give an array`);
  if (list.length > MAX_ENTRIES) {
    throw new ValidationError(`${what}: at most ${MAX_ENTRIES} in a call; the rest belongs in another`);
  }
}
