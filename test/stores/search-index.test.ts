import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { TimeoutError } from "../../src/errors.ts";
import { quoteLanguage } from "../../src/sql/text-search-language.ts";
import { searchRecords } from "../../src/stores/search-statements.ts";
import { failureOf } from "../contract/store.ts";
import { withNewDatabase, withSystemDatabase } from "./new-database.ts";

/** A name that would break out of a literal that was quoted by hand. */
const NAME = `o'hara "x" \\' $1 ; 𐀀`;
const RECORDS = 4000;

const main = withNewDatabase();
const system = withSystemDatabase();

describe("the index of a store for search", () => {
  describe("on the main server", () => describeIndex(() => main().postgres));
  if (system) describe("on the older server", () => describeIndex(system));

  it("is built and dropped over every way to the server", async () => {
    const ways: Readonly<Record<string, () => Driver>> = {
      pg: () => pg(main().postgres),
      "postgres through PgBouncer": () => postgres(main().pgbouncer, { pooler: "transaction" }),
      "neon-http": () => neonHttp(main().neon),
    };
    for (const [way, open] of Object.entries(ways)) {
      const driver = open();
      const store = await createStore(`over ${way}`, { driver });
      await store.records.createSearchIndex();
      await fill(store);
      await driver.query({ text: "analyze persist.persist_records", params: [] });
      expect(await planOf(driver, `over ${way}`, "simple"), way).toContain("Bitmap Index Scan on persist_search_");
      await store.records.dropSearchIndex();
      expect(await planOf(driver, `over ${way}`, "simple"), way).not.toContain("persist_search_");
      await store.close();
    }
  });
});

function describeIndex(url: () => string): void {
  let driver: Driver;
  let store: Store;
  /** Holds a transaction open where a test needs one. */
  let holder: pgPackage.Client;
  let client: pgPackage.Client;
  beforeAll(async () => {
    driver = pg(url(), { poolSize: 3 });
    store = await createStore(NAME, { driver });
    await fill(store);
    client = new pgPackage.Client(url());
    holder = new pgPackage.Client(url());
    await Promise.all([client.connect(), holder.connect()]);
    // What waits in a circle is to be told so soon.
    await client.query(`alter database ${client.database} set deadlock_timeout = '100ms'`);
  });
  afterAll(async () => {
    await Promise.all([client.end(), holder.end(), store.close()]);
  });

  async function indexes(): Promise<readonly unknown[]> {
    const { rows } = await client.query(`
      select c.relname as name, i.indisvalid as valid from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = 'persist.persist_records'::regclass and c.relname like 'persist\\_search\\_%'`);
    return rows;
  }

  /** Runs while a transaction is open that has written to the table: until it ends, no index on the table can be finished. */
  async function whileHeld(work: () => Promise<void>): Promise<void> {
    await holder.query("begin");
    await holder.query("select status from persist.record_put($1, 'held', '\"held\"', null)", [NAME]);
    await work().finally(() => holder.query("commit"));
  }

  /** Whether an index is being built that waits for the open transaction. */
  async function buildWaits(): Promise<boolean> {
    const { rows } = await client.query(`
      select 1 from pg_stat_progress_create_index where relid = 'persist.persist_records'::regclass and phase like 'waiting%'`);
    return rows.length > 0;
  }

  it("is used for the store's own searches in its language, and for no others", async () => {
    await store.records.createSearchIndex({ language: "english" });
    expect(await indexes()).toEqual([{ name: expect.stringMatching(/^persist_search_[0-9a-f]{16}$/), valid: true }]);
    await client.query("analyze persist.persist_records");
    const plan = await planOf(driver, NAME, "english");
    expect(plan).toContain("Bitmap Index Scan on persist_search_");
    expect(plan).not.toContain("Seq Scan");
    expect(await planOf(driver, NAME, "simple")).not.toContain("persist_search_");
    expect(await planOf(driver, "other", "english")).not.toContain("persist_search_");
    await store.records.dropSearchIndex({ language: "english" });
    expect(await indexes()).toEqual([]);
  });

  it("lets writers go on while it is built, and holds what they wrote", async () => {
    let written = 0;
    let building: Promise<void> | undefined;
    await whileHeld(async () => {
      building = store.records.createSearchIndex();
      await expect.poll(buildWaits).toBe(true);
      for (; written < 200; written++) {
        await store.records.put(`during-${written}`, { text: "meanwhile" }, { timeoutMs: 5_000 });
      }
    });
    let isDone = false;
    const done = building?.finally(() => {
      isDone = true;
    });
    for (; !isDone; written++) await store.records.put(`during-${written}`, { text: "meanwhile" });
    await done;

    expect(await indexes()).toEqual([{ name: expect.any(String), valid: true }]);
    expect(await planOf(driver, NAME, "simple")).toContain("Bitmap Index Scan on persist_search_");
    const found = await store.records.search("meanwhile", { limit: 1000 });
    expect(found.records).toHaveLength(Math.min(written, 1000));
    await store.records.dropSearchIndex();
  });

  it("is built once by several processes that want it at the same time", async () => {
    const drivers = Array.from({ length: 4 }, () => pg(url()));
    const stores = await Promise.all(drivers.map((own) => createStore(NAME, { driver: own })));
    await Promise.all(stores.map(({ records }) => records.createSearchIndex()));
    expect(await indexes()).toEqual([{ name: expect.any(String), valid: true }]);
    await Promise.all(stores.map(({ records }) => records.dropSearchIndex()));
    expect(await indexes()).toEqual([]);
    await Promise.all(drivers.map((own) => own.close()));
  });

  it("replaces what an interrupted build left behind", async () => {
    await whileHeld(async () => {
      const building = failureOf(store.records.createSearchIndex());
      await expect.poll(buildWaits).toBe(true);
      await client.query("select pg_cancel_backend(pid) from pg_stat_progress_create_index");
      expect(await building).toMatchObject({ sqlstate: "57014" });
    });
    expect(await indexes()).toEqual([{ name: expect.any(String), valid: false }]);

    const drivers = Array.from({ length: 3 }, () => pg(url()));
    const stores = await Promise.all(drivers.map((own) => createStore(NAME, { driver: own })));
    await Promise.all(stores.map(({ records }) => records.createSearchIndex()));
    expect(await indexes()).toEqual([{ name: expect.any(String), valid: true }]);
    await Promise.all(drivers.map((own) => own.close()));
    await store.records.dropSearchIndex();
  });

  it("can be asked for again after a build that took too long", async () => {
    await whileHeld(async () => {
      const failure = await failureOf(store.records.createSearchIndex({ timeoutMs: 300 }));
      expect(failure).toBeInstanceOf(TimeoutError);
      expect(failure).toMatchObject({ outcome: "unknown" });
    });
    await store.records.createSearchIndex();
    expect(await indexes()).toEqual([{ name: expect.any(String), valid: true }]);
    await store.records.dropSearchIndex();
  });

  it("waits for the build of another, up to its deadline", async () => {
    const other = await createStore(NAME, { driver: pg(url()) });
    let building: Promise<void> | undefined;
    await whileHeld(async () => {
      building = other.records.createSearchIndex();
      await expect.poll(buildWaits).toBe(true);
      const failure = await failureOf(store.records.createSearchIndex({ timeoutMs: 300 }));
      expect(failure).toBeInstanceOf(TimeoutError);
      expect(failure).toMatchObject({ outcome: "not-sent" });
    });
    await store.records.createSearchIndex();
    await building;
    expect(await indexes()).toEqual([{ name: expect.any(String), valid: true }]);
    await other.close();
  });
}

async function fill({ records }: Store): Promise<void> {
  for (let from = 0; from < RECORDS; from += 1000) {
    const entries = Array.from({ length: 1000 }, (_, i) => ({
      key: `fill-${from + i}`,
      value: { text: `word${from + i} word${(from + i) % 97}`, tags: ["common", `tag${i}`] },
    }));
    await records.putMany(entries);
  }
}

async function planOf(driver: Driver, store: string, language: string): Promise<string> {
  const query = { text: "word4 tag5", language: quoteLanguage(language, "test"), after: undefined, limit: 20 };
  const { text, params } = searchRecords({ store, schema: '"persist"' }, query);
  const rows = await driver.query({ text: `explain ${text}`, params });
  return rows.map((row) => String(row["QUERY PLAN"])).join("\n");
}
