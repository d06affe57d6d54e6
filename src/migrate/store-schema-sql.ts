import { storeMigrations } from "./embedded.ts";
import { migrationScript } from "./plan.ts";

/**
 * The schema of the stores as SQL text, for people who run their own migrations: psql, Flyway, Atlas. It can be run any
 * number of times and does what `store.migrate()` does.
 *
 * @throws ValidationError when the schema's name is not allowed
 * @example
 * ```ts
 * await writeFile("persist.sql", storeSchemaSql({ schema: "my_app_persist" }));
 * ```
 */
export function storeSchemaSql(options: { readonly schema?: string | undefined } = {}): string {
  return migrationScript(storeMigrations, { schema: options.schema ?? "persist" });
}
