import type { Row } from "../driver.ts";
import { toDate } from "../sql/time.ts";

/** A JSON document under a key. */
export interface StoredRecord<T = unknown> {
  readonly key: string;
  readonly value: T;
  /** 1 for the first write, one more with each later one, deletions included: it never goes back. */
  readonly version: number;
  /** By the database's clock. */
  readonly updatedAt: Date;
}

/** Of a row with `key`, `value`, `version` and `updated_at`. */
export function toRecord<T>(row: Row): StoredRecord<T> {
  return {
    key: String(row["key"]),
    value: row["value"] as T,
    version: Number(row["version"]),
    updatedAt: toDate(row["updated_at"]),
  };
}
