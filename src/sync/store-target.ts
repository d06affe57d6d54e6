import type { Driver } from "../driver.ts";
import { storeMigrations } from "../migrate/embedded.ts";
import { type MigrateMode, withMigrations } from "../migrate/with-migrations.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import { checkStoreName } from "../sql/key.ts";

/** A store, by its database and its name. */
export interface StoreTarget {
  readonly driver: Driver;
  /** The store's name. */
  readonly store: string;
  /** Default `persist`. */
  readonly schema?: string | undefined;
  /** Creates and brings forward the tables on first use. Default `auto`. */
  readonly migrate?: MigrateMode | undefined;
}

/** The same, checked, with the schema as it stands in a statement. */
export function openTarget({ driver, store, schema = "persist", migrate = "auto" }: StoreTarget) {
  return {
    store: checkStoreName(store),
    schema: quoteIdentifier(schema, "schema"),
    driver: withMigrations(driver, { mode: migrate, set: storeMigrations, names: { schema } }),
  };
}
