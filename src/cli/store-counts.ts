import type { CallOptions, Driver } from "../driver.ts";
import { quoteIdentifier } from "../sql/identifier.ts";

/** Live rows of one store. A count that has reached {@link COUNT_LIMIT} stands for that many or more. */
export interface StoreCounts {
  readonly records: number;
  readonly events: number;
  readonly kv: number;
}

/** Nobody waits for a status that reads a whole table. */
export const COUNT_LIMIT = 10_000;

/** The counts by store, in one round trip. */
export async function storeCounts(
  driver: Driver,
  schema: string,
  stores: readonly string[],
  options?: CallOptions,
): Promise<ReadonlyMap<string, StoreCounts>> {
  if (stores.length === 0) return new Map();
  const inSchema = quoteIdentifier(schema, "schema");
  const upTo = (table: string, condition: string) =>
    `(select count(*)::int from (select 1 from ${inSchema}.${table} t where t.store = s.name and ${condition} limit ${COUNT_LIMIT}) n)`;
  const text = `select s.name,
  ${upTo("persist_records", "not t.deleted")} as records,
  ${upTo("persist_events", "true")} as events,
  ${upTo("persist_kv", "not t.deleted and (t.expires_at is null or t.expires_at > statement_timestamp())")} as kv
from jsonb_array_elements_text($1::text::jsonb) s(name)`;
  const rows = await driver.query({ text, params: [JSON.stringify(stores)] }, options);
  return new Map(
    rows.map((row) => [
      String(row["name"]),
      { records: Number(row["records"]), events: Number(row["events"]), kv: Number(row["kv"]) },
    ]),
  );
}
