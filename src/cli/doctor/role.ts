import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** What may the role do: too little, or too much? */
export async function role({ driver, schema, call }: Subject): Promise<readonly Finding[]> {
  const [row] = await driver.query({ text, params: [schema] }, call);
  const is = (name: string) => row?.[name] === true;
  const name = String(row?.["role"]);
  const data = {
    role: name,
    superuser: is("superuser"),
    bypassesRls: is("bypass"),
    schemaExists: is("there"),
    tablesExist: is("has_tables"),
    ownsTables: is("owner"),
    canCreate: is("can_create"),
    canUse: is("can_use"),
    canWrite: is("can_write"),
    canCall: is("can_call"),
  };
  return [powers(data), rights(data, schema)];
}

interface Rights {
  readonly role: string;
  readonly superuser: boolean;
  readonly bypassesRls: boolean;
  readonly schemaExists: boolean;
  readonly tablesExist: boolean;
  readonly ownsTables: boolean;
  readonly canCreate: boolean;
  readonly canUse: boolean;
  readonly canWrite: boolean;
  readonly canCall: boolean;
}

function powers({ role, superuser, bypassesRls }: Rights): Finding {
  const data = { role, superuser, bypassesRls };
  const change = "create a role for the application, and connect as it: create role app login password …";
  if (superuser) {
    const found = `${role} is a superuser: no right and no row-level security binds it`;
    return { id: "role", level: "warning", found, change, data };
  }
  if (bypassesRls) {
    const found = `${role} has BYPASSRLS: row-level security does not bind it`;
    return {
      id: "role",
      level: "warning",
      found,
      change: "alter role … nobypassrls, or connect as another role",
      data,
    };
  }
  return { id: "role", level: "ok", found: `${role}, bound by rights and row-level security`, data };
}

function rights(data: Rights, schema: string): Finding {
  const { role, schemaExists, tablesExist, canCreate, canUse, canWrite, canCall, ownsTables } = data;
  const id = "rights";
  const failure = (found: string, change: string): Finding => ({ id, level: "failure", found, change, data });
  if (!schemaExists) {
    if (canCreate) return { id, level: "ok", found: `may create schema ${schema}`, data };
    return failure(
      `schema ${schema} is not there, and ${role} may not create it`,
      "run onetrip migrate once as a role that may, or: grant create on database … to …",
    );
  }
  if (!canUse || !canWrite) {
    return failure(
      `${role} may not ${canUse ? "write to the tables of" : "use"} schema ${schema}`,
      `grant usage on schema ${schema}, and select, insert, update, delete on all its tables, to the role`,
    );
  }
  if (!canCall) {
    return failure(
      `${role} may not call the functions of schema ${schema}, through which everything is written`,
      `grant execute on all functions in schema ${schema} to the role`,
    );
  }
  if (!tablesExist && !canCreate) {
    return failure(
      `schema ${schema} has no tables, and ${role} may not create them`,
      `run onetrip migrate once as a role that may, or: grant create on schema ${schema} to …`,
    );
  }
  if (!tablesExist) return { id, level: "ok", found: `may create the tables of schema ${schema}`, data };
  // A migration makes tables, and changes those that are there.
  const canMigrate = ownsTables && canCreate;
  const migrating = canMigrate ? "and migrate" : "but not migrate: do that as their owner, at deployment";
  return { id, level: canMigrate ? "ok" : "advice", found: `may read and write, ${migrating}`, data };
}

/** Where there are no tables or functions, a right on them cannot be missing. */
const text = `select r.rolname::text as role, r.rolsuper as superuser, r.rolbypassrls as bypass, n.oid is not null as there,
  case when n.oid is null then has_database_privilege(current_database(), 'create')
       else has_schema_privilege(n.oid, 'create') end as can_create,
  coalesce(has_schema_privilege(n.oid, 'usage'), true) as can_use,
  t.owner is not null as has_tables,
  coalesce(t.owner, false) as owner,
  coalesce(t.write, true) as can_write,
  coalesce(f.call, true) as can_call
from pg_catalog.pg_roles r
left join pg_catalog.pg_namespace n on n.nspname = $1
left join lateral (
  select bool_and(pg_has_role(c.relowner, 'usage')) as owner,
    bool_and(has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
      and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete')) as write
  from pg_catalog.pg_class c
  where c.relnamespace = n.oid and c.relkind in ('r', 'p') and c.relname like 'persist\\_%' and c.relname <> 'persist_migrations'
) t on true
left join lateral (
  select bool_and(has_function_privilege(p.oid, 'execute')) as call
  from pg_catalog.pg_proc p
  where p.pronamespace = n.oid and p.proowner in (
    select c.relowner from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relname = 'persist_records')
) f on true
where r.rolname = current_user`;
