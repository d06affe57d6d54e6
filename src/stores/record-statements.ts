import type { Statement } from "../driver.ts";
import { prefixRange } from "../sql/key.ts";
import { utcText } from "../sql/time.ts";
import type { StoreContext } from "./store-context.ts";

type Target = Pick<StoreContext, "store" | "schema">;

/** Answers `status`, `version` and `updated_at`. */
export function upsertRecord(
  { store, schema }: Target,
  key: string,
  value: string,
  expected: string | null,
): Statement {
  return {
    text: `select status, version, updated_at from ${schema}.record_put($1, $2, $3, $4)`,
    params: [store, key, value, expected],
  };
}

/** Answers `status` and `version`. */
export function deleteRecord({ store, schema }: Target, key: string, expected: string | null): Statement {
  return {
    text: `select status, version from ${schema}.record_delete($1, $2, $3)`,
    params: [store, key, expected],
  };
}

export function selectRecord({ store, schema }: Target, key: string): Statement {
  return {
    text: `select ${recordColumns} from ${schema}.persist_records where store = $1 and key = $2 and not deleted`,
    params: [store, key],
  };
}

/** A row for each of the keys that has a record. */
export function selectRecordsByKey({ store, schema }: Target, keys: readonly string[]): Statement {
  return {
    text: `select ${recordColumns} from ${schema}.persist_records
where store = $1 and not deleted and key = any(array(select jsonb_array_elements_text($2::text::jsonb)))`,
    params: [store, JSON.stringify(keys)],
  };
}

/**
 * Answers `status`, `part`, `version` and `updated_at`.
 *
 * @param entries JSON text: an array of `[key, value, expected]`
 */
export function upsertRecords({ store, schema }: Target, entries: string): Statement {
  return {
    text: `select status, part, version, updated_at from ${schema}.record_put_many($1, $2)`,
    params: [store, entries],
  };
}

/** Answers a `deleted_key` for each record that was there. */
export function deleteRecords({ store, schema }: Target, keys: readonly string[]): Statement {
  return {
    text: `select deleted_key from ${schema}.record_delete_many($1, $2)`,
    params: [store, JSON.stringify(keys)],
  };
}

export interface Patch {
  readonly key: string;
  /** JSON text. */
  readonly json: string;
  readonly expected: string | null;
  readonly maxBytes: number;
}

/** Answers `status`, `version`, `updated_at` and `value`. */
export function patchRecord({ store, schema }: Target, { key, json, expected, maxBytes }: Patch): Statement {
  return {
    text: `select status, version, updated_at, value from ${schema}.record_patch($1, $2, $3, $4, $5)`,
    params: [store, key, json, expected, maxBytes],
  };
}

export interface RecordPage {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

/** @param contained JSON text that the values are to contain */
export function selectRecords(
  { store, schema }: Target,
  { prefix, after, limit }: RecordPage,
  contained: string | null = null,
): Statement {
  const [from, to] = prefixRange(prefix);
  return {
    text: `select ${recordColumns} from ${schema}.persist_records
where store = $1 and not deleted and key >= $2 and ($3::text is null or key < $3) and ($4::text is null or key > $4)
  and ($6::text is null or value @> $6::text::jsonb)
order by key
limit $5::int`,
    params: [store, from, to, after ?? null, limit, contained],
  };
}

export const recordColumns = `key, value, version::text as version, ${utcText("updated_at")} as updated_at`;
