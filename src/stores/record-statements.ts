import type { Statement } from "../driver.ts";
import { prefixRange } from "../sql/key.ts";
import { utcText } from "../sql/time.ts";
import type { StoreContext } from "./store-context.ts";
import type { WriteCall } from "./write-call.ts";

type Target = Pick<StoreContext, "store" | "schema">;

/** Answers `status`, `version` and `updated_at`. */
export function upsertRecord(key: string, json: string, expected: string | null): WriteCall {
  return { function: "record_put", columns: "status, version, updated_at", args: [key, { json }, expected] };
}

/** Answers `status` and `version`. */
export function deleteRecord(key: string, expected: string | null): WriteCall {
  return { function: "record_delete", columns: "status, version", args: [key, expected] };
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
export function upsertRecords(entries: string): WriteCall {
  return { function: "record_put_many", columns: "status, part, version, updated_at", args: [{ json: entries }] };
}

/** Answers a `deleted_key` for each record that was there. */
export function deleteRecords(keys: readonly string[]): WriteCall {
  return { function: "record_delete_many", columns: "deleted_key", args: [{ json: JSON.stringify(keys) }] };
}

export interface Patch {
  readonly key: string;
  /** JSON text. */
  readonly json: string;
  readonly expected: string | null;
  readonly maxBytes: number;
}

/** Answers `status`, `version`, `updated_at` and `value`. */
export function patchRecord({ key, json, expected, maxBytes }: Patch): WriteCall {
  return {
    function: "record_patch",
    columns: "status, version, updated_at, value",
    args: [key, { json }, expected, maxBytes],
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
