import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { migrationPlan, migrationScript } from "../../src/migrate/plan.ts";

const names = { schema: "app" };
const one = { id: 1, name: "one", sql: "create table persist.t (a int);", checksum: "ab12" };

describe("migrationPlan", () => {
  it("bounds its waits, takes the lock, makes the ledger, applies each migration and reads the ledger", () => {
    const texts = migrationPlan([one, { ...one, id: 2, name: "two" }], names, 1234).map(({ text }) => text);
    expect(texts).toHaveLength(6);
    expect(texts[0]).toContain("set_config('lock_timeout', '1234ms', true)");
    expect(texts[0]).toContain("set_config('citus.multi_shard_modify_mode', 'sequential', true)");
    expect(texts[1]).toMatch(
      /pg_advisory_xact_lock\(hashtextextended\(current_database\(\) \|\| ':onetrip:app', 0\)\)/,
    );
    expect(texts[2]).toMatch(/pg_namespace[\s\S]+create schema "app"[\s\S]+create table "app"\."persist_migrations"/);
    expect(texts[3]).toContain('create table "app".t (a int);');
    expect(texts[5]).toMatch(/^select m\.id/);
  });

  it("locks by schema and, for profiles, by prefix", () => {
    const scope = (lockNames: Parameters<typeof migrationPlan>[1]) => migrationPlan([], lockNames, 1)[1]?.text;
    const scopes = [scope({ schema: "a" }), scope({ schema: "b" }), scope({ schema: "a", tablePrefix: "p_" })];
    expect(new Set(scopes).size).toBe(3);
  });

  it("quotes a migration with a tag that does not occur in it", () => {
    const sql = "do $onetrip$ begin perform '$onetrip1$'; end $onetrip$;";
    const [, , , apply] = migrationPlan([{ ...one, sql }], names, 1).map(({ text }) => text);
    const outer = /^do (\$\w+\$)/.exec(apply ?? "")?.[1] ?? "";
    const inner = /execute (\$\w+\$)/.exec(apply ?? "")?.[1] ?? "";
    expect(sql).not.toContain(inner);
    expect(outer).not.toBe(inner);
    expect(apply?.split(outer)).toHaveLength(3);
    expect(apply?.split(inner)).toHaveLength(3);
  });

  it("refuses names, migrations and times that could not be literals", () => {
    expect(() => migrationPlan([one], { schema: "a'b" }, 1)).toThrow(ValidationError);
    expect(() => migrationPlan([], { schema: "a", tablePrefix: "'" }, 1)).toThrow(ValidationError);
    expect(() => migrationPlan([{ ...one, name: "o'ne" }], names, 1)).toThrow(ValidationError);
    expect(() => migrationPlan([{ ...one, checksum: "'" }], names, 1)).toThrow(ValidationError);
    expect(() => migrationPlan([one], names, 0)).toThrow(ValidationError);
  });
});

describe("migrationScript", () => {
  it("is one transaction of the same statements", () => {
    const script = migrationScript(storeMigrations, names);
    expect(script).toMatch(/^begin isolation level read committed;\n/);
    expect(script).toMatch(/\ncommit;\n$/);
    expect(script).toContain("pg_advisory_xact_lock");
    expect(script.match(/insert into "app"\."persist_migrations"/g)).toHaveLength(storeMigrations.length);
  });
});
