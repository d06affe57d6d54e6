import type { CallOptions, Driver } from "../driver.ts";
import { PersistError } from "../errors.ts";
import type { Migration } from "../migrate/migration.ts";
import { ledgerName, type SchemaNames } from "../migrate/render.ts";
import { quoteIdentifier } from "../sql/identifier.ts";

/** The migrations of a database beside those of this version. */
export interface MigrationState {
  /** Whether there is a ledger at all. */
  readonly isThere: boolean;
  readonly applied: readonly string[];
  /** What this version has and the database has not. */
  readonly missing: readonly string[];
  /** How many the database has that this version does not know: a newer one works on it. */
  readonly ahead: number;
  /** What was applied in another form than this version has. */
  readonly altered: readonly string[];
}

/** Reads the ledger, in one round trip. Changes nothing. */
export async function migrationState(
  driver: Driver,
  set: readonly Migration[],
  names: SchemaNames,
  options?: CallOptions,
): Promise<MigrationState> {
  const ledger = await readLedger(driver, names, options);
  const applied = set.filter(({ id }) => ledger?.has(id));
  const known = new Set(set.map(({ id }) => id));
  return {
    isThere: ledger !== undefined,
    applied: applied.map(label),
    missing: set.filter(({ id }) => !ledger?.has(id)).map(label),
    ahead: [...(ledger?.keys() ?? [])].filter((id) => !known.has(id)).length,
    altered: applied.filter(({ id, checksum }) => ledger?.get(id) !== checksum).map(label),
  };
}

/** Checksums by id; undefined when there is no ledger. */
async function readLedger(
  driver: Driver,
  names: SchemaNames,
  options: CallOptions | undefined,
): Promise<ReadonlyMap<number, string> | undefined> {
  const table = `${quoteIdentifier(names.schema, "schema")}.${quoteIdentifier(ledgerName(names), "tablePrefix")}`;
  try {
    const rows = await driver.query(
      { text: `select m.id, m.checksum from ${table} m order by m.id`, params: [] },
      options,
    );
    return new Map(rows.map((row) => [Number(row["id"]), String(row["checksum"])]));
  } catch (error) {
    const isMissing = error instanceof PersistError && (error.sqlstate === "42P01" || error.sqlstate === "3F000");
    if (isMissing) return undefined;
    throw error;
  }
}

/** As the file is called: `0012-sync-push`. */
function label({ id, name }: Migration): string {
  return `${String(id).padStart(4, "0")}-${name}`;
}
