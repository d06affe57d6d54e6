import { PGlite } from "@electric-sql/pglite";
import pgPackage from "pg";
import { afterEach, describe, expect, inject, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { startLocalNeon } from "../../src/local/index.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { storeSchemaSql } from "../../src/migrate/store-schema-sql.ts";
import { createReachableDatabase, type ReachableDatabase } from "../servers/provided.ts";

const STARTS = 32;

/** What to undo after a test, last first. */
const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

describe(`${STARTS} processes that start at once on an empty database`, () => {
  const transports: Readonly<Record<string, (database: ReachableDatabase) => Promise<() => Driver>>> = {
    pg: async (database) => () => pg(database.postgres),
    postgres: async (database) => () => postgres(database.postgres, { poolSize: 1 }),
    "postgres through PgBouncer": async (database) => () => postgres(database.pgbouncer, { pooler: "transaction" }),
    "pg through PgBouncer": async (database) => () => pg(database.pgbouncer),
    "neon-http": async (database) => {
      const url = await neonEndpoint(database);
      return () => neonHttp(url);
    },
    "neon-websocket": async (database) => {
      const url = await neonEndpoint(database);
      return () => neonWebsocket(url);
    },
  };
  for (const [name, connect] of Object.entries(transports)) {
    it(`all write with their first call: ${name}`, async () => {
      const open = await connect(await newDatabase());
      await allWrite(await Promise.all(Array.from({ length: STARTS }, () => openStore(open()))));
    });
  }

  it("all write with their first call: pglite", async () => {
    const database = new PGlite();
    undo.push(() => database.close());
    await allWrite(await Promise.all(Array.from({ length: STARTS }, () => openStore(pglite(database)))));
  });

  it("all write with their first call: the older server of this machine", async ({ skip }) => {
    const { system } = inject("servers");
    if (system === undefined) return skip("there is no second PostgreSQL");
    const { postgres: url } = await newDatabase(system.url);
    await allWrite(await Promise.all(Array.from({ length: STARTS }, () => openStore(pg(url)))));
  });

  it("all run the schema as a script, without a retry", async () => {
    const { postgres: url } = await newDatabase();
    const script = storeSchemaSql({ schema: "by_script" });
    const run = async () => {
      const client = new pgPackage.Client(url);
      await client.connect();
      await client.query(script).finally(() => client.end());
    };
    await Promise.all(Array.from({ length: STARTS }, run));
    await run();

    const store = await createStore("s", { driver: pg(url), schema: "by_script", migrate: "off" });
    undo.push(() => store.close());
    expect((await store.records.put("a", 1)).version).toBe(1);
    expect(await store.migrate()).toMatchObject({ applied: [], ahead: 0 });
  });
});

/** Every first write succeeds, and one of them saw each migration applied. */
async function allWrite(stores: readonly Store[]): Promise<void> {
  const applied: string[] = [];
  for (const store of stores) store.on("migrate", (event) => applied.push(...event.applied));
  const outcomes = await Promise.allSettled(stores.map((store, i) => store.records.put(`key-${i}`, { i })));
  const failures = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(failures).toEqual([]);
  expect(applied).toEqual(storeMigrations.map(({ name }) => name));
  expect(await stores[0]?.records.list()).toHaveLength(stores.length);
}

async function openStore(driver: Driver): Promise<Store> {
  const store = await createStore("cold", { driver });
  undo.push(() => store.close());
  return store;
}

async function newDatabase(serverUrl?: string): Promise<ReachableDatabase> {
  const servers = inject("servers");
  const database = await createReachableDatabase(
    serverUrl === undefined ? servers : { ...servers, postgres: serverUrl },
  );
  undo.push(() => database.drop());
  return database;
}

/** Over HTTP an endpoint serves one database. */
async function neonEndpoint(database: ReachableDatabase): Promise<string> {
  const endpoint = await startLocalNeon({ database: database.postgres, poolSize: 32 });
  undo.push(() => endpoint.close());
  return endpoint.url;
}
