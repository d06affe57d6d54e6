import { checkKey } from "../sql/key.ts";
import { checkLimit } from "../sql/limit.ts";
import { quoteLanguage } from "../sql/text-search-language.ts";
import type { ReadOptions } from "./read-options.ts";
import { type StoredRecord, toRecord } from "./record.ts";
import { decodeSearchCursor, encodeSearchCursor } from "./search-cursor.ts";
import { DEFAULT_LANGUAGE, unknownLanguage } from "./search-index.ts";
import { searchRecords } from "./search-statements.ts";
import { runStatement, type StoreContext } from "./store-context.ts";

export interface SearchOptions extends ReadOptions {
  /**
   * A text search configuration of the database: `english`, `german` … find words by their stems and leave out the frequent
   * ones. Default `simple`: words as they are, in lower case.
   */
  readonly language?: string | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** The `cursor` of the page before. */
  readonly after?: string | undefined;
}

/** A record that was found. */
export interface FoundRecord<T = unknown> extends StoredRecord<T> {
  /** By PostgreSQL's `ts_rank`: the higher, the better. Comparable within one search. */
  readonly rank: number;
}

export interface SearchPage<T = unknown> {
  /** The best first; equal ones in key order. */
  readonly records: readonly FoundRecord<T>[];
  /** For `after`, to have the next page. Undefined on the last one. */
  readonly cursor: string | undefined;
}

/** Searches the records of a store. */
export function recordSearch(context: StoreContext) {
  return async function search<T = unknown>(text: string, options: SearchOptions = {}): Promise<SearchPage<T>> {
    const { language: name = DEFAULT_LANGUAGE } = options;
    checkKey(text, "records.search: text");
    const language = quoteLanguage(name, "records.search");
    const limit = checkLimit(options.limit, "records.search");
    const after = options.after === undefined ? undefined : decodeSearchCursor(options.after, context.store);
    // One more than asked for tells whether there is a next page.
    const statement = searchRecords(context, { text, language, after, limit: limit + 1 });
    const rows = await runStatement(context, "records.search", statement, options).catch((error: unknown) => {
      throw unknownLanguage(error, "records.search") ?? error;
    });
    const records = rows.slice(0, limit).map((row) => ({ ...toRecord<T>(row), rank: Number(row["rank"]) }));
    const last = rows.length > limit ? records.at(-1) : undefined;
    return { records, cursor: last && encodeSearchCursor(last, context.store) };
  };
}
