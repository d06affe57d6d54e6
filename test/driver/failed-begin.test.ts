import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { failureOf } from "../contract/store.ts";
import { startWireProxy, type WireProxy } from "../servers/wire-proxy.ts";

/**
 * BEGIN of a batch that fails while the statements behind it are on their way, as when a cancel meant for somebody else comes
 * late. Here the proxy spoils its text.
 */
const table = `failed_begin_${Math.random().toString(36).slice(2, 8)}`;
const insert = (n: number) => ({ text: `insert into ${table} (n) values ($1)`, params: [n] });
const inserts = [insert(1), insert(2), insert(3)];

const routes = {
  "pg, direct": { server: () => inject("servers").postgres, open: (url: string) => pg(url) },
  "postgres, direct": { server: () => inject("servers").postgres, open: (url: string) => postgres(url) },
  "postgres, PgBouncer": {
    server: () => inject("servers").pgbouncer,
    open: (url: string) => postgres(url, { pooler: "transaction" }),
  },
};

describe("a BEGIN that fails", () => {
  let direct: Driver;
  beforeAll(async () => {
    direct = pg(inject("servers").postgres);
    await direct.query({ text: `create table ${table} (n int)`, params: [] });
  });
  beforeEach(() => direct.query({ text: `truncate ${table}`, params: [] }));
  afterAll(() => direct.close());

  const count = async () =>
    (await direct.query({ text: `select count(*)::int4 as n from ${table}`, params: [] }))[0]?.["n"];

  for (const [name, { server, open }] of Object.entries(routes)) {
    async function withWarm(work: (driver: Driver, proxy: WireProxy) => Promise<void>) {
      const upstream = new URL(server());
      const proxy = await startWireProxy({ upstream: { host: upstream.hostname, port: Number(upstream.port) } });
      const driver = open(proxy.url(server()));
      try {
        await driver.query({ text: "select 1", params: [] });
        await work(driver, proxy);
      } finally {
        await driver.close();
        await proxy.close();
      }
    }

    it(`leaves nothing behind over ${name}`, () =>
      withWarm(async (driver, proxy) => {
        proxy.rewrite("begin isolation", "bogin isolation");
        const failure = await failureOf(driver.batch(inserts).then(() => []));
        expect(failure).toMatchObject({ outcome: "rolled-back", sqlstate: "42601" });
        expect(await count()).toBe(0);
        expect(await driver.query({ text: "select 1 as one", params: [] })).toEqual([{ one: 1 }]);
      }));

    it(`is no worse than a COMMIT that fails before it begins over ${name}`, () =>
      withWarm(async (driver, proxy) => {
        proxy.rewrite("commit\0", "cammit\0");
        const failure = await failureOf(driver.batch(inserts).then(() => []));
        expect(failure).toMatchObject({ outcome: "rolled-back", sqlstate: "42601" });
        expect(await driver.query({ text: "select 1 as one", params: [] })).toEqual([{ one: 1 }]);
        expect(await count()).toBe(0);
      }));
  }

  it.each(["postgres, direct", "postgres, PgBouncer"] as const)(
    "and a guard that fails too are told of over %s",
    async (name) => {
      const { server, open } = routes[name];
      const upstream = new URL(server());
      const proxy = await startWireProxy({ upstream: { host: upstream.hostname, port: Number(upstream.port) } });
      const driver = open(proxy.url(server()));
      await driver.query({ text: "select 1", params: [] });
      proxy.rewrite("begin isolation", "bogin isolation");
      proxy.rewrite("transaction_deferrable", "transaction_deferrible");
      const failure = await failureOf(driver.batch(inserts).then(() => []));
      expect(failure).toMatchObject({ outcome: "unknown", retryable: false, sqlstate: "42601" });
      expect(failure).toMatchObject({ message: expect.stringContaining("one by one") });
      expect(await count()).toBe(3);

      const refused = { text: `insert into ${table} (nothing) values ($1)`, params: [1] };
      const other = await failureOf(driver.batch([refused, refused]).then(() => []));
      expect(other).toMatchObject({ outcome: "rolled-back", sqlstate: "42601" });
      await driver.close();
      await proxy.close();
    },
  );

  it("does not end the session of a transaction that has begun, whatever its kind", async () => {
    const driver = postgres(inject("servers").postgres, { pooler: "transaction" });
    const ask = { text: "select pg_backend_pid()::int4 as pid", params: [] };
    const [first] = await driver.query(ask);
    for (const isolation of ["read committed", "repeatable read", "serializable"] as const) {
      for (const readOnly of [true, false]) {
        expect(await driver.batch([ask], { isolation, readOnly })).toEqual([[first]]);
      }
    }
    await driver.close();
  });
});
