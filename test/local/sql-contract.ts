import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LocalNeon, LocalNeonOptions } from "../../src/local/index.ts";
import { neonOverHttp, neonOverWebsocket, postSql } from "./neon-client.ts";

/** What `/sql` does in front of any database. */
export function testSql(start: (options: Omit<LocalNeonOptions, "database">) => Promise<LocalNeon>): void {
  describe("POST /sql", () => {
    let local: LocalNeon;
    const table = `t_${randomUUID().slice(0, 8)}`;

    beforeAll(async () => {
      local = await start({ maxRequestBytes: 100_000, maxResponseBytes: 200_000 });
      await neonOverHttp(local.url).query(`create table ${table} (id int primary key, value text)`);
    });
    afterAll(() => local.close());

    it("answers a single statement, as objects and as arrays", async () => {
      const sql = neonOverHttp(local.url);
      expect(await sql`select ${1}::int as one, ${"two"} as two`).toEqual([{ one: 1, two: "two" }]);
      expect(await sql.query("select 1 as same, 2 as same", [], { arrayMode: true })).toEqual([[1, 2]]);
    });

    it("describes the result as the proxy does", async () => {
      const sql = neonOverHttp(local.url);
      const result = await sql.query(`insert into ${table} values (1, 'a') returning id`, [], { fullResults: true });
      expect(result).toMatchObject({ command: "INSERT", rowCount: 1, rowAsArray: false, rows: [{ id: 1 }] });
      expect(result.fields).toEqual([
        {
          name: "id",
          dataTypeID: 23,
          tableID: expect.any(Number),
          columnID: 1,
          dataTypeSize: 4,
          dataTypeModifier: -1,
          format: "text",
        },
      ]);
    });

    it("keeps values as text in raw mode and turns them into JSON in the other", async () => {
      const query = `select true as b, 7 as i, 9007199254740993 as l, 0.5::float8 as f, 'NaN'::float8 as n,
        '{"a":1}'::jsonb as j, array[1,null] as ai, array['x,"y"'] as at, null as nothing`;
      const raw = { "Neon-Raw-Text-Output": "true", "Neon-Array-Mode": "true" };
      expect(await (await postSql(local.url, { query }, raw)).json()).toMatchObject({
        rowAsArray: true,
        rows: [["t", "7", "9007199254740993", "0.5", "NaN", '{"a": 1}', "{1,NULL}", '{"x,\\"y\\""}', null]],
      });
      expect(await (await postSql(local.url, { query }, { "Neon-Raw-Text-Output": "false" })).json()).toMatchObject({
        rowAsArray: false,
        rows: [
          {
            b: true,
            i: 7,
            l: "9007199254740993",
            f: 0.5,
            n: "NaN",
            j: { a: 1 },
            ai: [1, null],
            at: ['x,"y"'],
            nothing: null,
          },
        ],
      });
    });

    it("takes every kind of parameter", async () => {
      const query =
        "select $1::text, $2::int, $3::bool, $4::text, $5::jsonb ->> 'a', ($6::text[])[1], ($7::int[][])[2][1]";
      const params = ["it's", 5, false, null, { a: 'q"' }, ['back\\slash "quoted"\n', null], [[1], [2]]];
      const response = await postSql(local.url, { query, params }, { "Neon-Array-Mode": "true" });
      expect(await response.json()).toMatchObject({
        rows: [["it's", 5, false, null, 'q"', 'back\\slash "quoted"\n', 2]],
      });
    });

    it("carries text of every script unchanged", async () => {
      const text = "Grüße \u2028\u2029 \u{1f600} \u0001 ' \" \\ \r\n\t";
      expect(await neonOverHttp(local.url)`select ${text}::text as text`).toEqual([{ text }]);
    });

    it("runs a batch as one transaction", async () => {
      const sql = neonOverHttp(local.url);
      const results = await sql.transaction([
        sql.query(`insert into ${table} values (10, 'x')`),
        sql.query(`select count(*)::int as n from ${table} where id = 10`),
      ]);
      expect(results).toEqual([[], [{ n: 1 }]]);
      const failing = sql.transaction([
        sql.query(`insert into ${table} values (11, 'y')`),
        sql.query(`insert into ${table} values (10, 'again')`),
      ]);
      await expect(failing).rejects.toMatchObject({ code: "23505" });
      expect(await sql.query(`select id from ${table} where id in (10, 11)`)).toEqual([{ id: 10 }]);
    });

    it.each([
      ["ReadUncommitted", "read uncommitted"],
      ["ReadCommitted", "read committed"],
      ["RepeatableRead", "repeatable read"],
      ["Serializable", "serializable"],
    ] as const)("sets isolation level %s", async (isolationLevel, expected) => {
      const sql = neonOverHttp(local.url);
      const [rows] = await sql.transaction([sql`show transaction_isolation`], { isolationLevel });
      expect(rows).toEqual([{ transaction_isolation: expected }]);
    });

    it("refuses writes in a read-only batch", async () => {
      const sql = neonOverHttp(local.url);
      const writing = sql.transaction([sql.query(`insert into ${table} values (20, 'z')`)], { readOnly: true });
      await expect(writing).rejects.toMatchObject({ code: "25006" });
    });

    it("sets deferrable, and repeats the settings in the answer's headers", async () => {
      const response = await postSql(
        local.url,
        { queries: [{ query: "show transaction_deferrable" }] },
        {
          "Neon-Batch-Isolation-Level": "Serializable",
          "Neon-Batch-Read-Only": "true",
          "Neon-Batch-Deferrable": "true",
        },
      );
      expect(response.headers.get("neon-batch-isolation-level")).toBe("Serializable");
      expect(response.headers.get("neon-batch-read-only")).toBe("true");
      expect(await response.json()).toMatchObject({ results: [{ rows: [{ transaction_deferrable: "on" }] }] });
    });

    it("gives all fields of an error", async () => {
      await neonOverHttp(local.url).query(`insert into ${table} values (30, 'a')`);
      const response = await postSql(local.url, { query: `insert into ${table} values (30, 'b')` });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        message: `duplicate key value violates unique constraint "${table}_pkey"`,
        code: "23505",
        severity: "ERROR",
        detail: "Key (id)=(30) already exists.",
        hint: null,
        position: null,
        internalPosition: null,
        internalQuery: null,
        where: null,
        schema: "public",
        table,
        column: null,
        dataType: null,
        constraint: `${table}_pkey`,
        file: "nbtinsert.c",
        line: expect.any(String),
        routine: "_bt_check_unique",
      });
    });

    it("refuses several statements in one text", async () => {
      await expect(neonOverHttp(local.url).query("select 1; select 2")).rejects.toMatchObject({ code: "42601" });
    });

    it("leaves no transaction behind for the next request", async () => {
      const sql = neonOverHttp(local.url);
      await sql.query("begin");
      await sql.query(`insert into ${table} values (35, 'x')`);
      const pool = neonOverWebsocket(local.url);
      expect((await pool.query(`select id from ${table} where id = 35`)).rows).toEqual([{ id: 35 }]);
      await pool.end();
    });

    it("asks for the endpoint's own credentials, and tells none of them", async () => {
      const wrong = new URL(local.url);
      wrong.password = "hunter2";
      const response = await postSql(wrong.href, { query: "select 1" });
      const text = await response.text();
      expect(response.status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({ code: "28P01" });
      expect(text).not.toContain("hunter2");

      const elsewhere = new URL(local.url);
      elsewhere.pathname = "/elsewhere";
      await expect(neonOverHttp(elsewhere.href)`select 1`).rejects.toMatchObject({ code: "3D000" });
    });

    it.each([
      ["no header", { query: "select 1" }, { "Neon-Connection-String": "" }],
      ["a body that is no JSON", "{", {}],
      ["a body without a query", {}, {}],
      ["an unknown isolation level", { queries: [] }, { "Neon-Batch-Isolation-Level": "Chaos" }],
    ])("refuses %s with 400", async (_, body, headers) => {
      const response = await postSql(local.url, body, headers);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "", message: expect.any(String) });
    });

    it("refuses a request that is too large with 413", async () => {
      const response = await postSql(local.url, { query: "select $1", params: ["x".repeat(200_000)] });
      expect(response.status).toBe(413);
    });

    it("answers 507 when the result is too large: a lone write stays, a batch does not", async () => {
      const sql = neonOverHttp(local.url);
      const write = (id: number) => `insert into ${table} values (${id}, 'x') returning repeat('x', 300000)`;
      await expect(sql.query(write(40))).rejects.toThrow("HTTP status 507");
      await expect(sql.transaction([sql.query(write(41))])).rejects.toThrow("HTTP status 507");
      expect(await sql.query(`select id from ${table} where id in (40, 41)`)).toEqual([{ id: 40 }]);
    });

    it("delays its answers on demand and counts the flights", async () => {
      const sql = neonOverHttp(local.url);
      const before = local.flights.http;
      local.latencyMs = 60;
      const startedAt = performance.now();
      await sql.transaction([sql`select 1`, sql`select 2`]);
      expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
      local.latencyMs = 0;
      expect(local.flights.http - before).toBe(1);
    });
  });
}
