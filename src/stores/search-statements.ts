import type { Statement } from "../driver.ts";
import { recordColumns } from "./record-statements.ts";
import type { SearchPosition } from "./search-cursor.ts";
import type { StoreContext } from "./store-context.ts";

type Target = Pick<StoreContext, "store" | "schema">;

export interface SearchQuery {
  readonly text: string;
  /** As SQL: see `quoteLanguage`. */
  readonly language: string;
  readonly after: SearchPosition | undefined;
  readonly limit: number;
}

/** Answers rows of records with their `rank`, the best first. */
export function searchRecords({ store, schema }: Target, { text, language, after, limit }: SearchQuery): Statement {
  const words = wordsOf(language);
  const query = `websearch_to_tsquery(${language}, $2)`;
  return {
    text: `select key, value, version, updated_at, rank
from (
  select ${recordColumns}, ts_rank(${words}, ${query})::float8 as rank
  from ${schema}.persist_records
  where store = $1 and not deleted and ${words} @@ ${query}
) found
where $3::float8 is null or rank < $3::float8 or (rank = $3::float8 and key > $4::text)
order by rank desc, key
limit $5::int`,
    params: [store, text, after?.rank ?? null, after?.key ?? null, limit],
  };
}

/**
 * Answers one row: `name` of the store's index, `store` as a literal, `valid` (null when there is no such index), and whether
 * anybody is `building` an index on the table. Rows of that view that belong to other roles hide the table.
 */
export function selectSearchIndex({ store, schema }: Target, language: string): Statement {
  return {
    text: `select n.name, quote_literal($1::text) as store, (
  select i.indisvalid
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  where i.indrelid = t.id and c.relname = n.name
) as valid, exists (
  select 1
  from pg_catalog.pg_stat_progress_create_index p
  where p.datname = current_database() and (p.relid = t.id or p.relid is null)
) as building
from
  (select ($3::text)::regclass as id) t,
  (select 'persist_search_' || left(encode(sha256(convert_to($2::text || $1::text, 'UTF8')), 'hex'), 16) as name) n`,
    params: [store, language, `${schema}.persist_records`],
  };
}

/** What a row of {@link selectSearchIndex} says. Both texts come from the server, as SQL. */
export interface IndexNames {
  readonly name: string;
  readonly store: string;
}

/** Without a lock that would stop writers: so it cannot run inside a transaction, and can leave an invalid index behind. */
export function buildSearchIndex({ schema }: Pick<Target, "schema">, language: string, index: IndexNames): Statement {
  return {
    text: `create index concurrently if not exists ${index.name}
on ${schema}.persist_records using gin (${wordsOf(language)})
where store = ${index.store} and not deleted`,
    params: [],
  };
}

export function removeSearchIndex({ schema }: Pick<Target, "schema">, { name }: Pick<IndexNames, "name">): Statement {
  return { text: `drop index concurrently if exists ${schema}.${name}`, params: [] };
}

/**
 * The same expression in the index and in the query, or the index is not used. PostgreSQL refuses to index more than 1 MB of
 * different words, and one such record would fail every search of its store: large ones are left out.
 */
function wordsOf(language: string): string {
  return `(case when octet_length(value::text) <= ${MAX_SEARCHED_BYTES} then jsonb_to_tsvector(${language}, value, '["string"]') end)`;
}

const MAX_SEARCHED_BYTES = 256 * 1024;
