import pgPackage from "pg";
import { describe, expect, inject, it } from "vitest";
import { resolveParameters } from "../../src/driver/connection-parameters.ts";
import { openPgConnection, type PgClient } from "../../src/driver/pg-connection.ts";
import { postgresConnection } from "../../src/driver/postgres-connection.ts";
import { checkStatement } from "../../src/driver/refused-statement.ts";
import { ValidationError } from "../../src/errors.ts";
import { failureOf } from "../contract/store.ts";

const call = () => ({ signal: new AbortController().signal, wasSent: () => false });
const statement = (text: string) => ({ text, params: [] });

describe("a statement that no call can carry out", () => {
  it.each([
    "begin",
    " ;\n BEGIN isolation level serializable",
    "start transaction",
    "-- a comment\ncommit",
    "/* a /* nested */ one */ rollback to savepoint a",
    "savepoint a",
    "release a",
    "end",
    "abort",
    "copy t from stdin",
    "Copy (select 1)\nto STDOUT with (format csv)",
  ])("is refused: %j", (text) => {
    expect(() => checkStatement(statement(text), "query")).toThrow(ValidationError);
  });

  it.each([
    "",
    "-- begin",
    "-- begin\n(select 1)",
    "/* begin */ select 1",
    "/* /* */ begin */ select 1",
    "select 'begin'",
    "do $$ begin null; end $$",
    "copy t from '/tmp/t.csv'",
    "commit prepared 'x'",
    "beginning",
    "with \"copy\" as (select 1) select 'stdin'",
  ])("is not %j", (text) => {
    expect(() => checkStatement(statement(text), "query")).not.toThrow();
  });
});

const connections = {
  pg: (url: string) => openPgConnection(new pgPackage.Client(url) as unknown as PgClient, call()),
  postgres: async (url: string) => postgresConnection(resolveParameters(url), 5_000),
};

describe.each(Object.entries(connections))("a connection of %s that was sent it all the same", (_, open) => {
  it("is not used again with a transaction open", async () => {
    const connection = await open(inject("servers").postgres);
    expect(await connection.query(statement("select 1 as one"), call())).toEqual([{ one: 1 }]);
    expect(await failureOf(connection.query(statement("begin"), call()))).toMatchObject({ outcome: "rejected" });
    expect(connection.isUsable()).toBe(false);
    connection.destroy();
  });

  it.each(["from stdin", "to stdout"])("ends or goes on, and hangs nowhere, after COPY %s", async (direction) => {
    const connection = await open(inject("servers").postgres);
    const text = `copy ${direction === "to stdout" ? "(select repeat('x', 1000) from generate_series(1, 2000))" : "pg_temp.c"} ${direction}`;
    const create = statement("create temp table c (a int)");
    await connection.query(create, call());
    await connection.query(statement(text), call()).catch((error: unknown) => error);
    if (connection.isUsable()) {
      expect(await connection.query(statement("select 1 as one"), call())).toEqual([{ one: 1 }]);
    }
    connection.destroy();
    // What a stream has to say when its connection ends would come now, outside of any call.
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
});
