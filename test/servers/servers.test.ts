import { neon, neonConfig } from "@neondatabase/serverless";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createDatabase, createReachableDatabase, type ReachableDatabase, withDatabase } from "./provided.ts";

const servers = inject("servers");

test("the main server is PostgreSQL 15 or newer and sorts text by language", async () => {
  const [row] = await rowsOf(
    servers.postgres,
    "select current_setting('server_version_num')::int4 as version, 'a' < 'B' as linguistic, rolsuper as super from pg_roles where rolname = current_user",
  );
  expect(row).toMatchObject({ linguistic: true, super: true });
  expect(row?.["version"]).toBeGreaterThanOrEqual(150_000);
});

test.skipIf(servers.system === undefined)("the system's server is the version that it is said to be", async () => {
  const { version, url } = servers.system ?? { version: 0, url: "" };
  const [row] = await rowsOf(url, "select current_setting('server_version_num')::int4 / 10000 as version");
  expect(row).toEqual({ version });
});

test("a wrong password is refused, by Postgres and by PgBouncer", async () => {
  for (const url of [servers.postgres, servers.pgbouncer]) {
    const wrong = new URL(url);
    wrong.password = "wrong";
    await expect(rowsOf(wrong.href, "select 1")).rejects.toThrow(/password authentication failed|SASL/);
  }
});

test("PgBouncer pools by transaction, 20 connections to a database", async () => {
  const admin = new pg.Client(withDatabase(servers.pgbouncer, "pgbouncer"));
  await admin.connect();
  const { rows } = await admin.query("show config");
  await admin.end();
  const settings = new Map(rows.map((row) => [row["key"], row["value"]]));
  expect(settings.get("pool_mode")).toBe("transaction");
  expect(settings.get("default_pool_size")).toBe("20");
  expect(settings.get("ignore_startup_parameters")).toBe("");
});

describe("a new database", () => {
  let database: ReachableDatabase;
  beforeAll(async () => {
    database = await createReachableDatabase(servers);
  });
  afterAll(() => database.drop());

  for (const way of ["postgres", "pgbouncer"] as const) {
    test(`is reached through ${way}`, async () => {
      expect(await rowsOf(database[way], "select current_database() as name")).toEqual([{ name: database.name }]);
    });
  }

  test("is reached through the Neon endpoint", async () => {
    neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`;
    expect(await neon(database.neon)`select current_database() as name`).toEqual([{ name: database.name }]);
  });

  test("is dropped while somebody is connected to it", async () => {
    const { url, name, drop } = await createDatabase(servers.postgres);
    const client = new pg.Client(url);
    client.on("error", () => {});
    await client.connect();
    await drop();
    await drop();
    const rows = await rowsOf(servers.postgres, `select 1 from pg_database where datname = '${name}'`);
    expect(rows).toEqual([]);
    await client.end();
  });
});

async function rowsOf(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
