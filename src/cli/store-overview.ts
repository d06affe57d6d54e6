import type { CallOptions, Driver } from "../driver.ts";
import { PersistError } from "../errors.ts";
import { quoteIdentifier } from "../sql/identifier.ts";

/** One store, as its change feed shows it. */
export interface StoreOverview {
  readonly store: string;
  readonly lanes: number;
  /** How many row writes it has seen, of all kinds. */
  readonly writes: number;
  /** The highest number up to which tombstones were collected, over its lanes; 0 when none were. */
  readonly floor: number;
}

/**
 * The stores of a schema by name, up to a limit; undefined when the tables are not there. Reads the clock alone: at most 64 small
 * rows a store, however much the stores hold.
 */
export async function storeOverviews(
  driver: Driver,
  schema: string,
  limit: number,
  options?: CallOptions,
): Promise<readonly StoreOverview[] | undefined> {
  const text = `select c.store, count(*)::int as lanes, sum(c.seq)::text as writes, max(c.floor)::text as floor
from ${quoteIdentifier(schema, "schema")}.persist_sync_clock c
group by c.store
order by c.store
limit $1::int`;
  try {
    const rows = await driver.query({ text, params: [limit] }, options);
    return rows.map((row) => ({
      store: String(row["store"]),
      lanes: Number(row["lanes"]),
      writes: Number(row["writes"]),
      floor: Number(row["floor"]),
    }));
  } catch (error) {
    const isMissing = error instanceof PersistError && (error.sqlstate === "42P01" || error.sqlstate === "3F000");
    if (isMissing) return undefined;
    throw error;
  }
}
