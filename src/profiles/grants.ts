import { profileMigrations } from "../migrate/embedded.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import type { ProfileNames } from "./queries.ts";

/**
 * A script that gives a role what the repository needs. Not a migration: which role it is may change, and a database that was
 * restored without its roles needs it again. In a transaction and under a lock of its own, since two sessions that grant at
 * once get in each other's way.
 *
 * @throws ValidationError when the role's name is not allowed
 */
export function grantsSql({ schema, tablePrefix }: ProfileNames, role: string): string {
  const to = quoteIdentifier(role, "applicationRole");
  const inSchema = quoteIdentifier(schema, "schema");
  const table = (name: string) => `${inSchema}.${quoteIdentifier(`${tablePrefix}${name}`, "tablePrefix")}`;
  const functions = functionNames().map((name) => `'${tablePrefix}${name}'`);

  return `begin isolation level read committed;

select pg_advisory_xact_lock(hashtextextended(current_database() || ':onetrip grants:${schema}', 0));

do $onetrip$
declare
  v_function regprocedure;
begin
  if not has_schema_privilege('${role}', '${schema}', 'usage') then
    grant usage on schema ${inSchema} to ${to};
  end if;
  grant select, insert, update, delete on ${table("profiles")}, ${table("domain_index")} to ${to};
  grant select, insert on ${table("profile_audit")} to ${to};
  grant select on ${table("migrations")} to ${to};
  for v_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname = '${schema}' and p.proname in (${functions.join(", ")})
  loop
    execute 'grant execute on function ' || v_function || ' to ${to}';
  end loop;
end $onetrip$;

commit;
`;
}

/** Read from the migrations, so that a function that is added there cannot be forgotten here. */
function functionNames(): readonly string[] {
  const created = profileMigrations.flatMap(({ sql }) => [...sql.matchAll(/\bfunction pson\.pson_(\w+)\(/g)]);
  return [...new Set(created.flatMap(([, name]) => (name === undefined ? [] : [name])))];
}
