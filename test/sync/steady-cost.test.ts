import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { pglite } from "../../src/driver/pglite.ts";
import type { Driver, Statement } from "../../src/driver.ts";
import { type Mutation, storeReplica } from "../../src/sync/index.ts";
import { pushMutations, selectChanges } from "../../src/sync/replica-statements.ts";
import { createDatabase } from "../servers/provided.ts";
import { accepted, page } from "./replicas.ts";

/**
 * A session keeps the plans that it made while the tables were empty. What a call reads is counted, not timed; nothing analyses
 * the tables in between.
 */
describe.each<[name: string, open: () => Promise<{ driver: Driver; drop(): Promise<void> }>]>([
  [
    "PGlite",
    async () => {
      const driver = pglite();
      return { driver, drop: () => driver.close() };
    },
  ],
  [
    "PostgreSQL",
    async () => {
      const database = await createDatabase(inject("servers").postgres);
      const driver = pg(database.url, { poolSize: 1 });
      return {
        driver,
        async drop() {
          await driver.close();
          await database.drop();
        },
      };
    },
  ],
])("in one session of %s, from empty tables to thousands of rows", (_, open) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open();
    const { driver } = opened;
    const replica = storeReplica({ driver, store: "s", principal: "p" });
    await replica.head();
    for (const table of ["records", "kv", "events"]) {
      const text = `alter table persist.persist_${table} set (autovacuum_enabled = false)`;
      await driver.query({ text, params: [] });
    }
    for (let round = 0; round < 12; round++) {
      await page(replica.pull(null, 3));
      await accepted(replica.push({ client: "c", mutations: mutationsOf(round, 30) }));
    }
    for (let round = 12; round < 24; round++) {
      await accepted(replica.push({ client: "d", mutations: mutationsOf(round, 480, round - 12) }));
    }
  });
  afterAll(() => opened?.drop());

  it("a push reads the rows that it names", async () => {
    const from = { kind: "sync", store: "s", epoch: null, lanes: [], scope: "" } as const;
    const request = { principal: "p", client: "e", from, ack: null, bounds: { maxSkewMs: 1, maxValueBytes: 100 } };
    const mutations = JSON.stringify([
      { id: 1, op: "put", key: "k-20-3", value: "new", base: 1 },
      { id: 2, op: "put", key: "new", value: "new", base: 0 },
      { id: 3, op: "kv.set", key: "k-20-1", value: "new" },
      { id: 4, op: "append", key: "s-1", event: ["new", 1, null, null] },
      { id: 5, op: "append", key: "s-9", event: ["e-20-2", "again", null, null] },
    ]);
    expect(await rowsRead(pushMutations(target, { ...request, mutations }))).toBeLessThan(40);
  });

  it("a page reads about as many rows as it brings", async () => {
    const from = { kind: "sync", store: "s", epoch: null, lanes: [], scope: "" } as const;
    const request = { from, limit: 10, maxBytes: 1e6, client: null, principal: "p", knownHead: null };
    expect(await rowsRead(selectChanges(target, request))).toBeLessThan(60);
  });

  const target = { schema: "persist", store: "s" };

  /** Rows that the statement reads of records, kv and events, by their tables and indexes. */
  async function rowsRead(statement: Statement): Promise<number> {
    const counter = {
      text: `select sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::int4 as rows
from pg_class t
left join pg_index i on i.indrelid = t.oid
join pg_class c on c.oid in (t.oid, i.indexrelid)
where t.oid in ('persist.persist_records'::regclass, 'persist.persist_kv'::regclass, 'persist.persist_events'::regclass)`,
      params: [],
    };
    const [before, , after] = await opened.driver.batch([counter, statement, counter]);
    return Number(after?.[0]?.["rows"]) - Number(before?.[0]?.["rows"]);
  }
});

/** A third each of records, entries and events, of keys that nobody has used. */
function mutationsOf(round: number, count: number, place = round): Mutation[] {
  return Array.from({ length: count }, (_, n): Mutation => {
    const id = place * count + n + 1;
    const key = `k-${round}-${n}`;
    if (n % 3 === 0) return { id, op: "put", key, value: n, base: 0 };
    if (n % 3 === 1) return { id, op: "kv.set", key, value: n };
    return { id, op: "append", stream: `s-${n % 5}`, event: { id: `e-${round}-${n}`, payload: n } };
  });
}
