import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import type { Driver, Row } from "../../src/driver.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { migrate } from "../../src/migrate/migrate.ts";
import { createDatabase, type TestDatabase } from "../servers/provided.ts";

/**
 * The rules under which the same SQL also runs on Citus with the tables distributed by store. They cost nothing on plain
 * Postgres as long as they hold from the first migration on.
 */
describe("the stores' schema can be distributed by store", () => {
  let database: TestDatabase;
  let driver: Driver;
  beforeAll(async () => {
    database = await createDatabase(inject("servers").postgres);
    driver = pg(database.url);
    await migrate(driver, storeMigrations, { schema: "persist" });
  });
  afterAll(async () => {
    await driver.close();
    await database.drop();
  });

  const ask = (text: string): Promise<Row[]> => driver.query({ text, params: [] });

  it("every key and index begins with store, compared by byte", async () => {
    const indexes = await ask(`
      select i.indexrelid::regclass::text as index, a.attname as column, c.collname as collation
      from pg_index i
      join pg_class t on t.oid = i.indrelid
      join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[0]
      left join pg_collation c on c.oid = i.indcollation[0]
      where t.relnamespace = 'persist'::regnamespace and t.relname <> 'persist_migrations'`);
    expect(indexes.length).toBeGreaterThan(8);
    for (const index of indexes) expect(index).toMatchObject({ column: "store", collation: "C" });
  });

  it("every text column of a key compares by byte", async () => {
    const columns = await ask(`
      select distinct t.relname as table, a.attname as column, c.collname as collation
      from pg_index i
      join pg_class t on t.oid = i.indrelid
      join pg_attribute a on a.attrelid = t.oid and a.attnum = any(i.indkey)
      join pg_collation c on c.oid = a.attcollation
      where t.relnamespace = 'persist'::regnamespace`);
    expect(columns.length).toBeGreaterThan(8);
    for (const column of columns) expect(column).toMatchObject({ collation: "C" });
  });

  it("there are no triggers, sequences or identity columns", async () => {
    expect(
      await ask(
        "select tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'persist'::regnamespace",
      ),
    ).toEqual([]);
    expect(
      await ask("select relname from pg_class where relkind = 'S' and relnamespace = 'persist'::regnamespace"),
    ).toEqual([]);
    expect(
      await ask(
        "select attname from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = 'persist'::regnamespace and attidentity <> ''",
      ),
    ).toEqual([]);
  });

  it("every function is plpgsql, takes p_store first and sets nothing", async () => {
    const functions = await ask(`
      select p.proname as name, l.lanname as language, p.proargnames[1] as first, p.proconfig is null as plain, p.prosecdef as definer
      from pg_proc p join pg_language l on l.oid = p.prolang
      where p.pronamespace = 'persist'::regnamespace`);
    expect(functions.length).toBeGreaterThan(5);
    for (const found of functions) {
      expect(found).toMatchObject({ language: "plpgsql", first: "p_store", plain: true, definer: false });
    }
  });

  it("every statement of a function names its schema and its store", async () => {
    const functions = await ask(`
      select proname as name, prosrc as body from pg_proc where pronamespace = 'persist'::regnamespace`);
    for (const { name, body } of functions) {
      for (const statement of statementsOf(String(body))) {
        const tables = statement.match(/[\w.]*\bpersist_\w+/g) ?? [];
        for (const table of tables) expect(table, `${name}: ${statement}`).toMatch(/^persist\./);
        const isDeclaration = /^v_\w+ persist\./.test(statement);
        if (tables.length > 0 && !isDeclaration) expect(statement, String(name)).toMatch(/store = p_store|\bp_store,/);
      }
    }
  });

  it("no RETURNING or DO UPDATE computes a time or reads a clock", async () => {
    const functions = await ask(
      "select proname as name, prosrc as body from pg_proc where pronamespace = 'persist'::regnamespace",
    );
    for (const { name, body } of functions) {
      // A part of a `with` is over before what comes after it.
      for (const statement of statementsOf(String(body)).flatMap((text) => text.split(/\n\s*\),?\n/))) {
        const after = statement.slice(Math.max(statement.indexOf("do update"), statement.indexOf("returning"), 0));
        if (/do update|returning/.test(statement)) {
          expect(after, `${name}: ${statement}`).not.toMatch(/now\(\)|clock_timestamp|random\(|::text/);
        }
        if (/^\s*update /.test(statement)) {
          expect(statement, `${name}: ${statement}`).not.toMatch(/now\(\)|clock_timestamp|random\(/);
        }
      }
    }
  });
});

/** Good enough for bodies without semicolons in literals, which ours are. */
function statementsOf(body: string): string[] {
  let plain = body.replaceAll('"', "").replaceAll(/--[^\n]*/g, "");
  // A `case` inside of a statement does not end it. From the inside out.
  for (const innermost = /\bcase\b((?!\bcase\b|;)[\s\S])*?\bend\b/; innermost.test(plain); ) {
    plain = plain.replace(innermost, (expression) =>
      expression.replaceAll(/\b(case|then|else|end)\b/g, (word) => word.toUpperCase()),
    );
  }
  return plain
    .split(/;|\bthen\b|\belse\b|\bloop\b|\bbegin\b|\bdeclare\b/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
