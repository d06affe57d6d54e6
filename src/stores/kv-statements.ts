import type { Statement } from "../driver.ts";
import { prefixRange } from "../sql/key.ts";
import { utcText } from "../sql/time.ts";
import type { RecordPage } from "./record-statements.ts";
import type { StoreContext } from "./store-context.ts";

type Target = Pick<StoreContext, "store" | "schema">;

export interface EncodedValue {
  /** JSON text. */
  readonly json: string;
  /** `base64` when the JSON is a string that stands for bytes. */
  readonly encoding: "base64" | null;
}

/** Answers `version` and `updated_at`. */
export function upsertEntry(
  { store, schema }: Target,
  key: string,
  value: EncodedValue,
  ttlMs: number | null,
): Statement {
  return {
    text: `select version, updated_at from ${schema}.kv_set($1, $2, $3, $4, $5)`,
    params: [store, key, value.json, value.encoding, ttlMs === null ? null : String(ttlMs)],
  };
}

/** Answers `status`. */
export function deleteEntry({ store, schema }: Target, key: string): Statement {
  return { text: `select status from ${schema}.kv_delete($1, $2)`, params: [store, key] };
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

// Judged when the statement runs, also inside a transaction that began earlier.
const isLive = "not deleted and (expires_at is null or expires_at > statement_timestamp())";

const columns = `key, value, encoding, version::text as version, ${utcText("expires_at")} as expires_at, ${utcText("updated_at")} as updated_at`;
