import { profileMigrations } from "../migrate/embedded.ts";
import { migrationScript } from "../migrate/plan.ts";
import { type ProfileNames, type ProfileQueries, profileQueries } from "./queries.ts";

export interface PostgresProfileStoreArtifacts {
  /** Creates or brings forward the tables and functions. Safe to run any number of times, also by many at once. */
  readonly schemaSql: string;
  readonly queries: ProfileQueries;
}

/**
 * The SQL of the profile store as text, for people who run their own migrations: pipe `schemaSql` into psql, Flyway or Atlas.
 *
 * @throws ValidationError when a name cannot be an identifier
 * @example
 * ```ts
 * const { schemaSql } = createPostgresProfileStoreArtifacts({ schema: "app", tablePrefix: "pson_" });
 * ```
 */
export function createPostgresProfileStoreArtifacts(
  options: Partial<ProfileNames> = {},
): PostgresProfileStoreArtifacts {
  const names = profileNames(options);
  return { schemaSql: migrationScript(profileMigrations, names), queries: profileQueries(names) };
}

/** The names with their defaults. */
export function profileNames({ schema = "public", tablePrefix = "pson_" }: Partial<ProfileNames>): ProfileNames {
  return { schema, tablePrefix };
}
