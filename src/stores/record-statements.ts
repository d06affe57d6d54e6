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
    text: `select ${columns} from ${schema}.persist_records where store = $1 and key = $2 and not deleted`,
    params: [store, key],
  };
}

export interface RecordPage {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
}

export function selectRecords({ store, schema }: Target, { prefix, after, limit }: RecordPage): Statement {
  const [from, to] = prefixRange(prefix);
  return {
    text: `select ${columns} from ${schema}.persist_records
where store = $1 and not deleted and key >= $2 and ($3::text is null or key < $3) and ($4::text is null or key > $4)
order by key
limit $5::int`,
    params: [store, from, to, after ?? null, limit],
  };
}

const columns = `key, value, version::text as version, ${utcText("updated_at")} as updated_at`;
