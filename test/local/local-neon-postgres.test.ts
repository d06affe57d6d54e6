import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type LocalNeon, startLocalNeon } from "../../src/local/index.ts";
import { createDatabase, createReachableDatabase, type TestDatabase } from "../servers/provided.ts";
import { neonOverHttp, neonOverWebsocket } from "./neon-client.ts";
import { testSql } from "./sql-contract.ts";
import { testWebsocket } from "./websocket-contract.ts";

describe("in front of PostgreSQL", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase(inject("servers").postgres);
  });
  afterAll(() => database.drop());

  testSql((options) => startLocalNeon({ ...options, database: database.url }));
  testWebsocket(() => startLocalNeon({ database: database.url }));

  describe("a client that goes away", () => {
    let local: LocalNeon;

    beforeAll(async () => {
      local = await startLocalNeon({ database: database.url });
      await neonOverHttp(local.url)`create table aborted (id int)`;
    });
    afterAll(() => local.close());

    it("has its statement cancelled", async () => {
      const call = abortable();
      const sleeping = neonOverHttp(local.url).query("select pg_sleep(60) /* one */", [], call.options);
      const failed = expect(sleeping).rejects.toThrow("aborted");
      await running("/* one */");
      call.abort();
      await failed;
      await ended("/* one */");
    });

    it("has its batch rolled back", async () => {
      const sql = neonOverHttp(local.url);
      const call = abortable();
      const statements = [sql`insert into aborted values (1)`, sql.query("select pg_sleep(60) /* two */")];
      const batch = sql.transaction(statements, call.options);
      await running("/* two */");
      call.abort();
      await expect(batch).rejects.toThrow("aborted");
      await ended("/* two */");
      expect(await sql`select id from aborted`).toEqual([]);
    });

    it("does not keep the endpoint from closing", async () => {
      const other = await startLocalNeon({ database: database.url });
      const sleeping = neonOverHttp(other.url).query("select pg_sleep(60) /* three */");
      const failed = expect(sleeping).rejects.toThrow("Error connecting to database");
      await running("/* three */");
      await other.close();
      await other.close();
      await failed;
      await ended("/* three */");
    });

    const running = (marker: string) => untilActive(marker, 1);
    const ended = (marker: string) => untilActive(marker, 0);

    async function untilActive(marker: string, wanted: number): Promise<void> {
      const sql = neonOverHttp(local.url);
      const pattern = `%${marker}%`;
      for (;;) {
        const [row] = await sql`select count(*)::int as n from pg_stat_activity
          where state = 'active' and pid <> pg_backend_pid() and query like ${pattern}`;
        if (row?.["n"] === wanted) {
          return;
        }
        await delay(10);
      }
    }
  });

  it("lets any database of the server be named", async () => {
    const other = await createReachableDatabase(inject("servers"));
    const pool = neonOverWebsocket(other.neon);
    expect(await neonOverHttp(other.neon)`select current_database() as name`).toEqual([{ name: other.name }]);
    expect((await pool.query("select current_database() as name")).rows).toEqual([{ name: other.name }]);
    await pool.end();
    await other.drop();
  });

  it("answers 500 when the server cannot be reached", async () => {
    const local = await startLocalNeon({ database: "postgresql://nobody:secret@127.0.0.1:1/none" });
    await expect(neonOverHttp(local.url)`select 1`).rejects.toThrow("HTTP status 500");
    await local.close();
  });
});

function abortable() {
  const controller = new AbortController();
  return { abort: () => controller.abort(), options: { fetchOptions: { signal: controller.signal } } };
}
