import { describe, expect, it } from "vitest";
import { withNewDatabase } from "../stores/new-database.ts";
import { jsonOf, runOnetrip } from "./run-onetrip.ts";

const database = withNewDatabase();

describe("onetrip sql", () => {
  it("prints a table, with parameters that are bound", async () => {
    const statement = "select n, n * 1.5 as half, $1 as text, null as nothing from generate_series(9, 10) n";
    const { code, stdout } = await runOnetrip(["sql", database().postgres, statement, "a\nb'; --"]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      [" n  half  text      nothing", " 9  13.5  a⏎b'; --", "10  15.0  a⏎b'; --", "(2 rows)", ""].join("\n"),
    );
  });

  it("gives rows as JSON, over the Neon endpoint too", async () => {
    const run = await runOnetrip(["sql", database().neon, "select 1 as one, '{\"a\":2}'::jsonb as json", "--json"]);
    expect(jsonOf(run)).toEqual({ rows: [{ one: 1, json: { a: 2 } }] });
  });

  it("loses no number for which JSON has none", async () => {
    const statement =
      "select 'NaN'::float8 as a, '-Infinity'::float4 as b, 'Infinity'::numeric as c, null as d, 1.5::float8 as e";
    const row = { a: "NaN", b: "-Infinity", c: "Infinity", d: null, e: 1.5 };
    for (const url of [database().postgres, database().neon]) {
      expect(jsonOf(await runOnetrip(["sql", url, statement, "--json"]))).toEqual({ rows: [row] });
    }
  });

  it("writes only when it is told to", async () => {
    const env = { DATABASE_URL: database().postgres };
    const refused = await runOnetrip(["sql", "create table t (id int)"], { env });
    expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("add --write") });
    expect(await runOnetrip(["sql", "--write", "create table t (id int)"], { env })).toMatchObject({ code: 0 });
    expect((await runOnetrip(["sql", "select * from t"], { env })).stdout).toBe("(0 rows)\n");
  });

  it("says what the server refused, and how a deadline ended it", async () => {
    const wrong = await runOnetrip(["sql", database().postgres, "selec 1", "--json"]);
    expect(wrong.code).toBe(1);
    expect(jsonOf(wrong)).toMatchObject({ error: { code: "database", outcome: "rolled-back", sqlstate: "42601" } });
    const late = await runOnetrip(["sql", database().postgres, "select pg_sleep(20)", "--timeout", "2000"]);
    expect(late).toMatchObject({ code: 75, stderr: expect.stringContaining("nothing was changed") });
  });

  it("reads an embedded database", async () => {
    expect((await runOnetrip(["sql", "pglite:", "select 1 as one"])).stdout).toBe("one\n  1\n(1 row)\n");
  });
});
