import { PGlite } from "@electric-sql/pglite";
import { neonConfig } from "@neondatabase/serverless";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLocalNeon } from "../../src/local/index.ts";
import { neonOverHttp, neonOverWebsocket } from "./neon-client.ts";
import { testSql } from "./sql-contract.ts";
import { testWebsocket } from "./websocket-contract.ts";

describe("in front of PGlite", () => {
  let db: PGlite;

  beforeAll(async () => {
    db = await PGlite.create();
  });
  afterAll(() => db.close());

  testSql((options) => startLocalNeon({ ...options, database: db }));
  testWebsocket(() => startLocalNeon({ database: db }));

  it("takes a password that is sent before it was asked for", async () => {
    const local = await startLocalNeon({ database: db });
    const pool = neonOverWebsocket(local.url);
    neonConfig.pipelineConnect = "password";
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await pool.end();
    neonConfig.pipelineConnect = false;
    await local.close();
  });

  it("does not close a PGlite that it was handed, and leaves it usable", async () => {
    const local = await startLocalNeon({ database: db });
    await neonOverHttp(local.url)`select 1`;
    await local.close();
    await local.close();
    expect((await db.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  it("opens an embedded server by its URL", async () => {
    const local = await startLocalNeon({ database: "pglite:" });
    expect(await neonOverHttp(local.url)`select 1 as one`).toEqual([{ one: 1 }]);
    await local.close();
  });
});

it("refuses a database that is neither", async () => {
  await expect(startLocalNeon({ database: "mysql://localhost/db" })).rejects.toThrow("postgresql://");
});
