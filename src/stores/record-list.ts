import { timeoutOf } from "../driver/call.ts";
import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkPrefix } from "../sql/key.ts";
import { checkLimit } from "../sql/limit.ts";
import type { ReadOptions } from "./read-options.ts";
import { type StoredRecord, toRecord } from "./record.ts";
import { type RecordPage, selectRecords } from "./record-statements.ts";
import { runStatement, type StoreContext } from "./store-context.ts";

export interface ListOptions extends ReadOptions {
  /** Only keys that begin with it, character by character: `%` and `_` mean themselves. */
  readonly prefix?: string | undefined;
  /** Only keys behind this one. For the next page: the last key of the page before. */
  readonly after?: string | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

/** Whether a record is wanted. */
export type RecordPredicate<T = unknown> = (record: StoredRecord<T>) => boolean;

export interface RecordListOptions<T = unknown> extends ListOptions {
  /**
   * Only records whose value contains this object or array, as PostgreSQL's `@>` understands it: members that are not named
   * may be anything, nested ones too, and the elements of an array may be anywhere. One round trip.
   *
   * Or a predicate, which is applied here: records are read page by page, each a round trip of up to 1,000 records, until
   * `limit` of them are found or there are no more. `timeoutMs` covers all pages; each shows the store as it was when read.
   */
  readonly filter?: object | RecordPredicate<T> | undefined;
}

/** Lists the records of a store, in key order. */
export function recordList(context: StoreContext) {
  return async function list<T = unknown>(options: RecordListOptions<T> = {}): Promise<readonly StoredRecord<T>[]> {
    const { prefix = "", after, filter } = options;
    checkPrefix(prefix, "records.list: prefix");
    if (after !== undefined) checkPrefix(after, "records.list: after");
    const page = { prefix, after, limit: checkLimit(options.limit, "records.list") };
    if (isPredicate<T>(filter)) return search(page, filter, options);
    return read(page, filter === undefined ? null : toContained(filter, context.maxValueBytes), options);
  };

  async function read<T>(page: RecordPage, contained: string | null, options: ReadOptions) {
    const rows = await runStatement(context, "records.list", selectRecords(context, page, contained), options);
    return rows.map((row) => toRecord<T>(row));
  }

  async function search<T>({ prefix, after, limit }: RecordPage, wanted: RecordPredicate<T>, options: ReadOptions) {
    const deadline = performance.now() + timeoutOf(options, context.driver);
    const found: StoredRecord<T>[] = [];
    // Small pages first: what is wanted is often near.
    for (let size = limit, last = after; ; size = Math.min(size * 2, MAX_PAGE)) {
      const timeoutMs = Math.max(1, deadline - performance.now());
      const records = await read<T>({ prefix, after: last, limit: size }, null, { ...options, timeoutMs });
      for (const record of records) {
        if (wanted(record)) found.push(record);
        if (found.length === limit) return found;
      }
      if (records.length < size) return found;
      last = records.at(-1)?.key;
    }
  }
}

const MAX_PAGE = 1000;

function isPredicate<T>(filter: RecordListOptions<T>["filter"]): filter is RecordPredicate<T> {
  return typeof filter === "function";
}

function toContained(filter: object, maxBytes: number | undefined): string {
  if (typeof filter !== "object" || filter === null) {
    throw new ValidationError("records.list: filter must be an object, an array or a function");
  }
  return toJson(filter, "records.list: filter", maxBytes);
}
