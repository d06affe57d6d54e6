import { profileMigrations, profileRlsMigrations } from "../migrate/embedded.ts";
import type { Migration } from "../migrate/migration.ts";
import { migrationScript } from "../migrate/plan.ts";
import { grantsSql } from "./grants.ts";
import { type ProfileNames, type ProfileQueries, profileQueries } from "./queries.ts";

export interface PostgresProfileStoreArtifacts {
  /** Creates or brings forward the tables and functions. Safe to run any number of times, also by many at once. */
  readonly schemaSql: string;
  readonly queries: ProfileQueries;
}

export interface PostgresProfileStoreArtifactsOptions extends Partial<ProfileNames> {
  /**
   * Adds row-level security: a transaction sees and writes rows of its tenant alone, and none outside of any. Tables that were
   * made without it get it when the script is run with it. Once there, the option of the repository is needed too. Superusers
   * and roles with BYPASSRLS are not bound by it.
   */
  readonly rls?: boolean | undefined;
  /**
   * Grants an existing role what the repository needs, and no more: it cannot change or remove audit entries, nor migrate.
   * Whoever runs the script stays the owner.
   */
  readonly applicationRole?: string | undefined;
}

/**
 * The SQL of the profile store as text, for people who run their own migrations: pipe `schemaSql` into psql, Flyway or Atlas.
 * PostgreSQL 14 and newer.
 *
 * @throws ValidationError when a name cannot be an identifier
 * @example
 * ```ts
 * const { schemaSql } = createPostgresProfileStoreArtifacts({ schema: "app", applicationRole: "web" });
 * ```
 */
export function createPostgresProfileStoreArtifacts(
  options: PostgresProfileStoreArtifactsOptions = {},
): PostgresProfileStoreArtifacts {
  const names = profileNames(options);
  const { applicationRole } = options;
  const tables = migrationScript(profileMigrationSet(options.rls), names);
  const grants = applicationRole === undefined ? "" : `\n${grantsSql(names, applicationRole)}`;
  return { schemaSql: `${tables}${grants}`, queries: profileQueries(names) };
}

/** The names with their defaults. */
export function profileNames({ schema = "public", tablePrefix = "pson_" }: Partial<ProfileNames>): ProfileNames {
  return { schema, tablePrefix };
}

/** With and without row-level security it is one ledger. */
export function profileMigrationSet(rls: boolean | undefined): readonly Migration[] {
  return rls ? [...profileMigrations, ...profileRlsMigrations] : profileMigrations;
}
