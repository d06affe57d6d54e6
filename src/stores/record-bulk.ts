import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { exceedsBytes } from "../sql/utf8.ts";
import { type ExpectedVersion, toExpected } from "./expected-version.ts";
import type { ReadOptions } from "./read-options.ts";
import { type StoredRecord, toRecord } from "./record.ts";
import { recordConflict } from "./record-conflict.ts";
import { deleteRecords, selectRecordsByKey, upsertRecords } from "./record-statements.ts";
import { runStatement, type StoreContext } from "./store-context.ts";
import { runWrite, type WriteOptions } from "./write-once.ts";

/** One record of a bulk write. */
export interface PutEntry<T = unknown> {
  readonly key: string;
  readonly value: T;
  /** Held against what was there before the call. */
  readonly expectedVersion?: ExpectedVersion | undefined;
}

/** At most 1,000 keys or entries in a call; an empty list sends nothing. */
export interface RecordBulk {
  /**
   * Writes many records, all or none. Resolves to the records as they are now, one per entry, in the order of the entries. Of
   * several entries with one key the last is written, as one step of the version. At most 8 MiB of JSON in a call.
   *
   * @throws ConflictError when an expectation does not hold; `part` is the index of the first such entry
   * @throws ValidationError when there are too many, or a key or value cannot be stored as it is
   */
  putMany<T = unknown>(
    entries: readonly PutEntry<NoInfer<T>>[],
    options?: WriteOptions,
  ): Promise<readonly StoredRecord<T>[]>;
  /** In the order of the keys; `undefined` where there is no such record. */
  getMany<T = unknown>(
    keys: readonly string[],
    options?: ReadOptions,
  ): Promise<readonly (StoredRecord<T> | undefined)[]>;
  /** How many records were there to delete. Keys that occur twice or name no record do no harm. */
  deleteMany(keys: readonly string[], options?: WriteOptions): Promise<number>;
}

export function recordBulk(context: StoreContext): RecordBulk {
  const { store, emit } = context;

  async function putMany<T>(
    entries: readonly PutEntry<T>[],
    options?: WriteOptions,
  ): Promise<readonly StoredRecord<T>[]> {
    const writes = checkEntries(entries).map((entry, part) => toWrite(entry, part, context.maxValueBytes));
    const json = toEntriesJson(writes);
    if (writes.length === 0) return [];

    const rows = await runWrite(context, "records.putMany", upsertRecords(json), options);
    const [first] = rows;
    const refused = first?.["status"] === "conflict" ? writes[Number(first["part"])] : undefined;
    if (first && refused) throw recordConflict(context, refused, first);

    const records = new Map<string, StoredRecord<T>>();
    for (const row of rows) {
      const write = writes[Number(row["part"])];
      if (write === undefined) continue;
      const { key } = write;
      // What the text says and not the caller's object: the same that a later read gives.
      records.set(key, toRecord({ ...row, key, value: JSON.parse(write.json) }));
      emit?.({ type: "record:put", store, key, version: Number(row["version"]) });
    }
    return writes.flatMap(({ key }) => records.get(key) ?? []);
  }

  async function getMany<T>(
    keys: readonly string[],
    options?: ReadOptions,
  ): Promise<readonly (StoredRecord<T> | undefined)[]> {
    const wanted = checkKeys(keys, "records.getMany");
    if (wanted.length === 0) return [];
    const rows = await runStatement(context, "records.getMany", selectRecordsByKey(context, wanted), options);
    const records = new Map(rows.map((row) => [String(row["key"]), toRecord<T>(row)]));
    return wanted.map((key) => records.get(key));
  }

  async function deleteMany(keys: readonly string[], options?: WriteOptions): Promise<number> {
    const unwanted = checkKeys(keys, "records.deleteMany");
    if (unwanted.length === 0) return 0;
    const rows = await runWrite(context, "records.deleteMany", deleteRecords(unwanted), options);
    for (const row of rows) emit?.({ type: "record:delete", store, key: String(row["deleted_key"]) });
    return rows.length;
  }

  return { putMany, getMany, deleteMany };
}

/** @throws ValidationError unless it is an array of at most 1,000 objects; what is in them is another matter */
export function checkEntries<T>(entries: readonly PutEntry<T>[]): readonly PutEntry<T>[] {
  checkCount(entries, "records.putMany: entries");
  return Array.from(entries, (entry, index) => {
    if (typeof entry === "object" && entry !== null) return entry;
    throw new ValidationError(`records.putMany: entries[${index}] must be { key, value }`);
  });
}

const MAX_ENTRIES = 1000;
const MAX_BULK_BYTES = 8 * 1024 * 1024;

interface Write {
  readonly what: string;
  readonly part: number;
  readonly key: string;
  readonly json: string;
  readonly expected: ExpectedVersion | undefined;
}

function toWrite(entry: PutEntry, part: number, maxBytes: number | undefined): Write {
  const what = `records.putMany: entries[${part}]`;
  const key = checkKey(entry.key, `${what}.key`);
  return { what, part, key, json: toJson(entry.value, `${what}.value`, maxBytes), expected: entry.expectedVersion };
}

/** One JSON array of `[key, value, expected]`; the values are JSON text already. */
function toEntriesJson(writes: readonly Write[]): string {
  const items = writes.map(({ what, key, json, expected }) => {
    return `[${JSON.stringify(key)},${json},${JSON.stringify(toExpected(expected, what))}]`;
  });
  const text = `[${items.join(",")}]`;
  if (exceedsBytes(text, MAX_BULK_BYTES)) {
    throw new ValidationError(
      `records.putMany: more than ${MAX_BULK_BYTES} bytes of JSON; write the rest in another call`,
    );
  }
  return text;
}

function checkKeys(keys: readonly string[], what: string): readonly string[] {
  checkCount(keys, `${what}: keys`);
  return Array.from(keys, (key, index) => checkKey(key, `${what}: keys[${index}]`));
}

function checkCount(list: readonly unknown[], what: string): void {
  if (!Array.isArray(list)) throw new ValidationError(`${what} must be an array`);
  if (list.length > MAX_ENTRIES) {
    throw new ValidationError(`${what}: at most ${MAX_ENTRIES} in a call; give the rest to another`);
  }
}
