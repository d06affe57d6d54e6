import type { Statement } from "../driver.ts";
import { prefixRange } from "../sql/key.ts";
import { utcText } from "../sql/time.ts";
import type { EncodedValue } from "./kv-value.ts";
import type { RecordPage } from "./record-statements.ts";
import type { StoreContext } from "./store-context.ts";
import type { WriteCall } from "./write-call.ts";

type Target = Pick<StoreContext, "store" | "schema">;

/** Answers `version` and `updated_at`. */
export function upsertEntry(key: string, { json, encoding }: EncodedValue, ttlMs: number | null): WriteCall {
  return { function: "kv_set", columns: "version, updated_at", args: [key, { json }, encoding, asText(ttlMs)] };
}

/** Answers `status`. */
export function deleteEntry(key: string): WriteCall {
  return { function: "kv_delete", columns: "status", args: [key] };
}

export function selectEntry({ store, schema }: Target, key: string): Statement {
  return {
    text: `select ${columns} from ${schema}.persist_kv where store = $1 and key = $2 and ${isLive}`,
    params: [store, key],
  };
}

/** A row when there is an entry, without its value. */
export function selectKey({ store, schema }: Target, key: string): Statement {
  return {
    text: `select key from ${schema}.persist_kv where store = $1 and key = $2 and ${isLive}`,
    params: [store, key],
  };
}

export function selectEntries({ store, schema }: Target, { prefix, after, limit }: RecordPage): Statement {
  const [from, to] = prefixRange(prefix);
  return {
    text: `select ${columns} from ${schema}.persist_kv
where store = $1 and ${isLive} and key >= $2 and ($3::text is null or key < $3) and ($4::text is null or key > $4)
order by key
limit $5::int`,
    params: [store, from, to, after ?? null, limit],
  };
}

/** In no particular order. */
export function selectEntriesOf({ store, schema }: Target, keys: readonly string[]): Statement {
  return {
    text: `select ${columns} from ${schema}.persist_kv
where store = $1 and key = any(array(select jsonb_array_elements_text($2::text::jsonb))) and ${isLive}`,
    params: [store, JSON.stringify(keys)],
  };
}

/**
 * Answers `written`.
 *
 * @param entries JSON text of an array of `[key, value, encoding, ttl in ms]`, no key twice
 */
export function upsertEntries(entries: string): WriteCall {
  return { function: "kv_set_many", columns: "written", args: [{ json: entries }] };
}

/** Answers `deleted`: an array of keys. */
export function deleteEntries(keys: readonly string[]): WriteCall {
  return { function: "kv_delete_many", columns: "deleted", args: [{ json: JSON.stringify(keys) }] };
}

/** Answers `status` and `total`. */
export function addToEntry(key: string, by: number, ttlMs: number | null): WriteCall {
  return { function: "kv_increment", columns: "status, total", args: [key, String(by), asText(ttlMs)] };
}

export interface EntryComparison {
  /** Null for no entry. */
  readonly expected: EncodedValue | null;
  readonly next: EncodedValue;
  readonly ttlMs: number | null;
}

/** Answers `status`. */
export function compareEntry(key: string, { expected, next, ttlMs }: EntryComparison): WriteCall {
  const { json = null, encoding = null } = expected ?? {};
  return {
    function: "kv_compare_set",
    columns: "status",
    args: [key, { json }, encoding, { json: next.json }, next.encoding, asText(ttlMs)],
  };
}

/** Answers `swept`. */
export function deleteExpired({ store, schema }: Target, limit: number): Statement {
  return { text: `select swept from ${schema}.kv_sweep($1, $2)`, params: [store, limit] };
}

function asText(ttlMs: number | null): string | null {
  return ttlMs === null ? null : String(ttlMs);
}

// Judged when the statement runs, also inside a transaction that began earlier.
const isLive = "not deleted and (expires_at is null or expires_at > statement_timestamp())";

const columns = `key, value, encoding, version::text as version, ${utcText("expires_at")} as expires_at, ${utcText("updated_at")} as updated_at`;
