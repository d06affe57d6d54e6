import { NotFoundError, ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { type ExpectedVersion, toExpected } from "./expected-version.ts";
import type { ReadOptions } from "./read-options.ts";
import { type StoredRecord, toRecord } from "./record.ts";
import { type RecordBulk, recordBulk } from "./record-bulk.ts";
import { recordConflict } from "./record-conflict.ts";
import { type RecordConflicts, recordConflicts } from "./record-conflicts.ts";
import { type ListOptions, type RecordListOptions, recordList } from "./record-list.ts";
import { type MergePatch, type PatchOptions, recordPatch } from "./record-patch.ts";
import { recordSearch, type SearchOptions, type SearchPage } from "./record-search.ts";
import { deleteRecord, selectRecord, upsertRecord } from "./record-statements.ts";
import { type SearchIndex, searchIndex } from "./search-index.ts";
import type { StandardSchema } from "./standard-schema.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";
import { type TypedOptions, type TypedRecordStore, typedRecords } from "./typed-records.ts";
import { runWrite, type WriteOptions } from "./write-once.ts";

export type { ListOptions, StoredRecord };

export interface PutOptions extends WriteOptions {
  readonly expectedVersion?: ExpectedVersion | undefined;
}

export interface DeleteOptions extends WriteOptions {
  readonly expectedVersion?: Exclude<ExpectedVersion, "absent"> | undefined;
}

/**
 * Every call is one round trip, but for `list` with a predicate and the two calls for the search index. Keys: 1 to 1,024 bytes
 * of UTF-8, in the order of their bytes.
 */
export interface RecordStore extends RecordBulk, RecordConflicts, SearchIndex {
  /**
   * Writes a value, whatever was there or as `expectedVersion` says. Resolves to the record as it is now.
   *
   * @throws ConflictError when the expectation does not hold; nothing was written then
   * @throws ValidationError when key or value cannot be stored as they are
   */
  put<T = unknown>(key: string, value: T, options?: PutOptions): Promise<StoredRecord<T>>;
  /**
   * Changes a part of a record, in the database: the patch is merged into the value as RFC 7396 says, so a member that is null
   * is removed. Resolves to the record as it is now; a patch that makes no difference writes nothing.
   *
   * @throws NotFoundError when there is no such record and no `expectedVersion`
   * @throws ConflictError when the expectation does not hold
   * @throws ValidationError when the patch cannot be stored as it is, has objects nested deeper than 64 levels, or (`outcome`
   * is `rejected`) makes the value larger than `maxValueBytes`, counted with a blank after each comma and colon
   * @example
   * ```ts
   * await store.records.patch("ada", { email: "ada@example.org", phone: null });
   * ```
   */
  patch<T = unknown>(key: string, mergePatch: MergePatch<T>, options?: PatchOptions): Promise<StoredRecord<T>>;
  /** @throws NotFoundError when there is no such record */
  get<T = unknown>(key: string, options?: ReadOptions): Promise<StoredRecord<T>>;
  find<T = unknown>(key: string, options?: ReadOptions): Promise<StoredRecord<T> | undefined>;
  /**
   * Whether there was something to delete.
   *
   * @throws ConflictError when the expectation does not hold
   */
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  /**
   * In key order. A page that is shorter than the limit is the last.
   *
   * @example
   * ```ts
   * await store.records.list({ prefix: "quake/", filter: { tags: ["felt"] } });
   * ```
   */
  list<T = unknown>(options?: RecordListOptions<T>): Promise<readonly StoredRecord<T>[]>;
  /**
   * Full-text search in the strings of the values, those inside of objects and arrays too, but not in names of members. The
   * text is read as search engines do: words that must all be there, `or`, `"a phrase"`, `-without`. 1 to 1,024 bytes.
   *
   * Reads every record of the store unless there is an index for the language: see `createSearchIndex`. Records of more than
   * 256 KiB are not found: PostgreSQL limits how many words it takes of one.
   *
   * @throws ValidationError when the database does not know the language (`outcome` is `rejected` then)
   * @example
   * ```ts
   * const { records, cursor } = await store.records.search('"los angeles" -quarry', { limit: 20 });
   * ```
   */
  search<T = unknown>(text: string, options?: SearchOptions): Promise<SearchPage<T>>;
  /**
   * The same records, with values of one type. With a schema (any that follows Standard Schema, version 1) what is written is
   * validated before it is sent, and what the schema makes of it is stored.
   *
   * @throws ValidationError from a write, or with `reads: true` a read, whose value the schema refuses
   * @example
   * ```ts
   * const quakes = store.records.typed(z.object({ mag: z.number() }), { reads: true });
   * const { value } = await quakes.put("quake-1", { mag: 4.1 });
   * ```
   */
  typed<T, Input = T>(schema?: StandardSchema<Input, T>, options?: TypedOptions): TypedRecordStore<T, Input>;
}

/** The records of one store. */
export function recordStore(context: StoreContext): RecordStore {
  const { store, emit } = context;

  async function put<T>(key: string, value: T, options: PutOptions = {}): Promise<StoredRecord<T>> {
    checkKey(key, "records.put: key");
    const expected = toExpected(options.expectedVersion, "records.put");
    const json = toJson(value, "records.put: value", context.maxValueBytes);
    const rows = await runWrite(context, "records.put", upsertRecord(key, json, expected), options);
    const row = onlyRow(rows, "records.put");
    if (row["status"] !== "applied") {
      throw recordConflict(context, { what: "records.put", key, expected: options.expectedVersion }, row);
    }
    emit?.({ type: "record:put", store, key, version: Number(row["version"]) });
    // What the text says and not the caller's object: the same that a later read gives.
    return toRecord({ ...row, key, value: JSON.parse(json) });
  }

  async function find<T>(key: string, options?: ReadOptions): Promise<StoredRecord<T> | undefined> {
    checkKey(key, "records.find: key");
    const [row] = await runStatement(context, "records.find", selectRecord(context, key), options);
    return row && toRecord<T>(row);
  }

  async function get<T>(key: string, options?: ReadOptions): Promise<StoredRecord<T>> {
    checkKey(key, "records.get: key");
    const [row] = await runStatement(context, "records.get", selectRecord(context, key), options);
    if (row === undefined)
      throw new NotFoundError("records.get: no record with this key; use find() where it may be missing");
    return toRecord(row);
  }

  async function remove(key: string, options: DeleteOptions = {}): Promise<boolean> {
    checkKey(key, "records.delete: key");
    const expected = toExpected(options.expectedVersion, "records.delete");
    if (expected === "absent")
      throw new ValidationError("records.delete: what is expected to be absent needs no delete");
    const rows = await runWrite(context, "records.delete", deleteRecord(key, expected), options);
    const row = onlyRow(rows, "records.delete");
    if (row["status"] === "conflict") {
      throw recordConflict(context, { what: "records.delete", key, expected: options.expectedVersion }, row);
    }
    if (row["status"] === "absent") return false;
    emit?.({ type: "record:delete", store, key });
    return true;
  }

  const records: RecordStore = {
    put,
    patch: recordPatch(context),
    get,
    find,
    delete: remove,
    list: recordList(context),
    search: recordSearch(context),
    ...recordBulk(context),
    ...recordConflicts(context),
    ...searchIndex(context),
    typed<T, Input = T>(schema?: StandardSchema<Input, T>, options: TypedOptions = {}): TypedRecordStore<T, Input> {
      // Without a schema a type is all that is added.
      if (schema === undefined) return records as unknown as TypedRecordStore<T, Input>;
      return typedRecords(records, schema, options);
    },
  };
  return records;
}
