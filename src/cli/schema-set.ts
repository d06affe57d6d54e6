import { storeMigrations } from "../migrate/embedded.ts";
import type { Migration } from "../migrate/migration.ts";
import type { SchemaNames } from "../migrate/render.ts";
import { storeSchemaSql } from "../migrate/store-schema-sql.ts";
import { createPostgresProfileStoreArtifacts, profileMigrationSet } from "../profiles/artifacts.ts";

/** Tables that belong together: those of the stores, or those of the profiles. */
export interface SchemaSet {
  /** For messages: `stores`. */
  readonly what: string;
  readonly migrations: readonly Migration[];
  readonly names: SchemaNames;
  /** What it means that the database has more than this set. */
  readonly more: string;
  /** All of it as one script. */
  readonly sql: string;
}

export interface SchemaChoice {
  readonly schema: string;
  readonly profiles?: boolean;
  readonly prefix: string;
  readonly rls?: boolean;
  readonly role?: string;
}

/**
 * @param isDefault whether nobody named the schema: that of the profiles is another then
 * @throws ValidationError when a name is not allowed
 */
export function schemaSet(choice: SchemaChoice, isDefault: boolean): SchemaSet {
  if (!choice.profiles) {
    const { schema } = choice;
    return {
      what: "stores",
      more: newer,
      migrations: storeMigrations,
      names: { schema },
      sql: storeSchemaSql({ schema }),
    };
  }
  const names = { schema: isDefault ? "public" : choice.schema, tablePrefix: choice.prefix };
  const { schemaSql } = createPostgresProfileStoreArtifacts({
    ...names,
    rls: choice.rls,
    applicationRole: choice.role,
  });
  return {
    what: "profiles",
    more: choice.rls ? newer : `row-level security, which --rls is for, or ${newer}`,
    migrations: profileMigrationSet(choice.rls),
    names,
    sql: schemaSql,
  };
}

const newer = "those of a newer version, which works on them too";
