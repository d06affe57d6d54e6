import type { CallOptions, Row } from "../driver.ts";
import { ConflictError, NotFoundError, ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey, checkPrefix } from "../sql/key.ts";
import { checkLimit } from "../sql/limit.ts";
import { toDate } from "../sql/time.ts";
import { type ExpectedVersion, toExpected } from "./expected-version.ts";
import { deleteRecord, selectRecord, selectRecords, upsertRecord } from "./record-statements.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";

/** A JSON document under a key. */
export interface StoredRecord<T = unknown> {
  readonly key: string;
  readonly value: T;
  /** 1 for the first write, one more with each later one, deletions included: it never goes back. */
  readonly version: number;
  /** By the database's clock. */
  readonly updatedAt: Date;
}

export interface PutOptions extends CallOptions {
  readonly expectedVersion?: ExpectedVersion | undefined;
}

export interface DeleteOptions extends CallOptions {
  readonly expectedVersion?: Exclude<ExpectedVersion, "absent"> | undefined;
}

export interface ListOptions extends CallOptions {
  /** Only keys that begin with it, character by character: `%` and `_` mean themselves. */
  readonly prefix?: string | undefined;
  /** Only keys behind this one. For the next page: the last key of the page before. */
  readonly after?: string | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

/** Every call is one round trip. Keys: 1 to 1,024 bytes of UTF-8, in the order of their bytes. */
export interface RecordStore {
  /**
   * Writes a value, whatever was there or as `expectedVersion` says. Resolves to the record as it is now.
   *
   * @throws ConflictError when the expectation does not hold; nothing was written then
   * @throws ValidationError when key or value cannot be stored as they are
   */
  put<T = unknown>(key: string, value: T, options?: PutOptions): Promise<StoredRecord<T>>;
  /** @throws NotFoundError when there is no such record */
  get<T = unknown>(key: string, options?: CallOptions): Promise<StoredRecord<T>>;
  find<T = unknown>(key: string, options?: CallOptions): Promise<StoredRecord<T> | undefined>;
  /**
   * Whether there was something to delete.
   *
   * @throws ConflictError when the expectation does not hold
   */
  delete(key: string, options?: DeleteOptions): Promise<boolean>;
  /** In key order. A page that is shorter than the limit is the last. */
  list<T = unknown>(options?: ListOptions): Promise<readonly StoredRecord<T>[]>;
}

/** The records of one store. */
export function recordStore(context: StoreContext): RecordStore {
  const { store, emit } = context;

  async function put<T>(key: string, value: T, options: PutOptions = {}): Promise<StoredRecord<T>> {
    checkKey(key, "records.put: key");
    const expected = toExpected(options.expectedVersion, "records.put");
    const json = toJson(value, "records.put: value", context.maxValueBytes);
    const rows = await runStatement(context, "records.put", upsertRecord(context, key, json, expected), options);
    const row = onlyRow(rows, "records.put");
    if (row["status"] !== "applied") throw conflict("records.put", key, options.expectedVersion, row);
    emit?.({ type: "record:put", store, key, version: Number(row["version"]) });
    // What the text says and not the caller's object: the same that a later read gives.
    return toRecord({ ...row, key, value: JSON.parse(json) });
  }

  async function find<T>(key: string, options?: CallOptions): Promise<StoredRecord<T> | undefined> {
    checkKey(key, "records.find: key");
    const [row] = await runStatement(context, "records.find", selectRecord(context, key), options);
    return row && toRecord<T>(row);
  }

  async function get<T>(key: string, options?: CallOptions): Promise<StoredRecord<T>> {
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
    const rows = await runStatement(context, "records.delete", deleteRecord(context, key, expected), options);
    const row = onlyRow(rows, "records.delete");
    if (row["status"] === "conflict") throw conflict("records.delete", key, options.expectedVersion, row);
    if (row["status"] === "absent") return false;
    emit?.({ type: "record:delete", store, key });
    return true;
  }

  async function list<T>(options: ListOptions = {}): Promise<readonly StoredRecord<T>[]> {
    const { prefix = "", after } = options;
    checkPrefix(prefix, "records.list: prefix");
    if (after !== undefined) checkPrefix(after, "records.list: after");
    const page = { prefix, after, limit: checkLimit(options.limit, "records.list") };
    const rows = await runStatement(context, "records.list", selectRecords(context, page), options);
    return rows.map((row) => toRecord<T>(row));
  }

  function conflict(what: string, key: string, expected: ExpectedVersion | undefined, row: Row): ConflictError {
    const currentVersion = Number(row["version"] ?? 0);
    emit?.({ type: "record:conflict", store, key, currentVersion });
    const found = currentVersion === 0 ? "there is no such record" : `the record is at version ${currentVersion}`;
    return new ConflictError(`${what}: ${found}, expected ${expected}; read it again`, {
      currentVersion,
    });
  }

  return { put, get, find, delete: remove, list };
}

function toRecord<T>(row: Row): StoredRecord<T> {
  return {
    key: String(row["key"]),
    value: row["value"] as T,
    version: Number(row["version"]),
    updatedAt: toDate(row["updated_at"]),
  };
}
