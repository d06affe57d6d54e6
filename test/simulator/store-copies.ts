import type { Driver, Statement } from "../../src/driver.ts";

/** Copies and removes all that is kept under the name of a store. Each is one transaction. */
export interface StoreCopies {
  /** Every table that keeps rows of stores. */
  readonly tables: readonly string[];
  copy(from: string, to: string): Promise<void>;
  /** Puts a copy back under the name that it was made from. */
  replace(store: string, copy: string, epoch: "new" | "same"): Promise<void>;
  remove(stores: readonly string[]): Promise<void>;
}

export async function storeCopies(driver: Driver): Promise<StoreCopies> {
  const rows = await driver.query({ text: selectColumns, params: [] });
  const tables = rows.map((row) => ({
    table: `persist.${String(row["table_name"])}`,
    columns: String(row["columns"]),
  }));

  function copying(from: string, to: string): Statement[] {
    return tables.map(({ table, columns }) => ({
      text: `insert into ${table} (store, ${columns}) select $1, ${columns} from ${table} where store = $2`,
      params: [to, from],
    }));
  }

  function removing(stores: readonly string[]): Statement[] {
    return tables.map(({ table }) => ({
      text: `delete from ${table} where store = any(array(select jsonb_array_elements_text($1::text::jsonb)))`,
      params: [JSON.stringify(stores)],
    }));
  }

  return {
    tables: tables.map(({ table }) => table),
    async copy(from, to) {
      await driver.batch([...removing([to]), ...copying(from, to)]);
    },
    async replace(store, copy, epoch) {
      await driver.batch([
        ...removing([store]),
        ...copying(copy, store),
        ...(epoch === "new" ? [newEpoch(store)] : []),
      ]);
    },
    async remove(stores) {
      await driver.batch(removing(stores));
    },
  };
}

/** History was replaced: every lane of the store has another epoch. */
export function newEpoch(store: string): Statement {
  return {
    text: "update persist.persist_sync_clock set epoch = $2::text::uuid where store = $1",
    params: [store, crypto.randomUUID()],
  };
}

const selectColumns = `select c.table_name, string_agg(quote_ident(c.column_name), ', ' order by c.ordinal_position) as columns
from information_schema.columns c
join information_schema.columns s using (table_schema, table_name)
where c.table_schema = 'persist' and s.column_name = 'store' and c.column_name <> 'store'
group by c.table_name
order by c.table_name`;
