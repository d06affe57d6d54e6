import type { Statement } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import type { Migration } from "./migration.ts";
import { ledgerName, renderSql, type SchemaNames } from "./render.ts";

/** What the server raises when the ledger and the code disagree on a migration. */
export const CHECKSUM_MISMATCH = "OT001";

/**
 * The statements of one READ COMMITTED batch that brings a schema up to date. Whoever runs it at the same moment waits on an
 * advisory lock and then finds the work done: the lock is taken by a statement of its own, so that every later statement
 * sees what the holder before committed.
 *
 * The last statement reads the ledger: `id`, `name`, and `fresh`, which is true for what this very batch applied.
 *
 * @param lockTimeoutMs how long to wait for a lock before SQLSTATE 55P03
 */
export function migrationPlan(
  set: readonly Migration[],
  names: SchemaNames,
  lockTimeoutMs: number,
): readonly Statement[] {
  return [...changes(set, names, lockTimeoutMs), selectLedger(names)].map((text) => ({ text, params: [] }));
}

/**
 * The same as one text for psql, Flyway or Atlas: safe to run any number of times, and from several sessions at once.
 *
 * @throws ValidationError when a name is not allowed
 */
export function migrationScript(set: readonly Migration[], names: SchemaNames): string {
  const statements = changes(set, names, SCRIPT_LOCK_TIMEOUT_MS);
  return `${["begin isolation level read committed", ...statements, "commit"].join(";\n\n")};\n`;
}

/** A script is not retried by anybody, so it waits longer than a batch. */
const SCRIPT_LOCK_TIMEOUT_MS = 60_000;

function changes(set: readonly Migration[], names: SchemaNames, lockTimeoutMs: number): readonly string[] {
  if (!Number.isInteger(lockTimeoutMs) || lockTimeoutMs < 1) {
    throw new ValidationError("migrate: lockTimeoutMs must be a whole number of milliseconds, at least 1");
  }
  return [
    // The second setting is for Citus, where DDL on a distributed table must not run in parallel. It is harmless elsewhere.
    `select set_config('lock_timeout', '${lockTimeoutMs}ms', true), set_config('citus.multi_shard_modify_mode', 'sequential', true)`,
    takeLock(names),
    createLedger(names),
    ...set.map((migration) => applyOnce(migration, names)),
  ];
}

function takeLock(names: SchemaNames): string {
  const scope = `onetrip:${names.schema}${names.tablePrefix === undefined ? "" : `:${names.tablePrefix}`}`;
  return `select pg_advisory_xact_lock(hashtextextended(current_database() || ':${scope}', 0))`;
}

/** Looks before it creates: a role that may not create schemas must get by when the schema is there. */
function createLedger(names: SchemaNames): string {
  const name = ledgerName(names);
  return doBlock(`begin
  if not exists (select 1 from pg_catalog.pg_namespace n where n.nspname = '${names.schema}') then
    create schema ${quoteIdentifier(names.schema, "schema")};
  end if;
  if not exists (
    select 1
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = '${names.schema}' and c.relname = '${name}'
  ) then
    create table ${ledger(names)} (
      id int primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null
    );
  end if;
end`);
}

function applyOnce(migration: Migration, names: SchemaNames): string {
  const { id, name, checksum } = migration;
  if (!Number.isInteger(id) || !/^[a-z0-9-]+$/.test(name) || !/^[0-9a-f]+$/.test(checksum)) {
    throw new ValidationError(
      "migrate: a migration has a whole id, a name of a-z, 0-9 and -, and a hexadecimal checksum",
    );
  }
  return doBlock(`declare
  v_checksum text;
begin
  select m.checksum into v_checksum from ${ledger(names)} m where m.id = ${id};
  if not found then
    execute ${dollarQuoted(renderSql(migration.sql, names))};
    insert into ${ledger(names)} (id, name, checksum, applied_at)
    values (${id}, '${name}', '${checksum}', transaction_timestamp());
  elsif v_checksum <> '${checksum}' then
    raise exception 'migration ${id} (${name}) was applied in another form'
      using errcode = '${CHECKSUM_MISMATCH}', detail = 'checksum-mismatch';
  end if;
end`);
}

function selectLedger(names: SchemaNames): string {
  return `select m.id, m.name, m.applied_at = transaction_timestamp() as fresh
from ${ledger(names)} m
order by m.id`;
}

function ledger(names: SchemaNames): string {
  const table = quoteIdentifier(ledgerName(names), "tablePrefix followed by migrations");
  return `${quoteIdentifier(names.schema, "schema")}.${table}`;
}

function doBlock(body: string): string {
  return `do ${dollarQuoted(`\n${body} `)}`;
}

/** A literal in dollar quotes whose tag does not occur in the text. */
function dollarQuoted(text: string): string {
  let tag = "$onetrip$";
  for (let attempt = 1; text.includes(tag); attempt++) tag = `$onetrip${attempt}$`;
  return `${tag}${text}${tag}`;
}
