import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import { enableSync } from "../../src/sync/index.ts";
import { createDatabase, createReachableDatabase, type TestDatabase } from "../servers/provided.ts";

/** The main server through PgBouncer, and the machine's own where there is one. */
describe("two stores on two servers, with writers on both", () => {
  let here: TestDatabase;
  let there: TestDatabase;
  let central: Store;
  let branch: Store;
  beforeAll(async () => {
    const servers = inject("servers");
    const reachable = await createReachableDatabase(servers);
    here = { ...reachable, url: reachable.pgbouncer };
    there = await createDatabase(servers.system?.url ?? servers.postgres);
    central = await createStore("shop", { driver: postgres(here.url, { pooler: "transaction" }) });
    branch = await createStore("shop", { driver: pg(there.url) });
    await Promise.all([central.migrate(), branch.migrate()]);
  });
  afterAll(async () => {
    await Promise.all([central?.close(), branch?.close()]);
    await Promise.all([here?.drop(), there?.drop()]);
  });

  it("come to be equal, and then are silent", async () => {
    const sync = enableSync(branch, { remote: central, strategy: "last-write-wins", interval: 20, debounceMs: 1 });
    const write = async (store: Store, who: string) => {
      for (let n = 0; n < 60; n += 1) {
        await store.records.put(`shared-${n % 7}`, { n, who });
        await store.records.put(`${who}-${n}`, { n });
        if (n % 3 === 0) await store.records.delete(`shared-${(n + 1) % 7}`);
        await store.events.append(n % 2 === 0 ? "sales" : who, { n, who });
        await store.kv.set(`price-${n % 5}`, { n, who });
      }
    };
    await Promise.all([
      write(central, "central-a"),
      write(central, "central-b"),
      write(branch, "branch-a"),
      write(branch, "branch-b"),
    ]);
    await sync.now();
    await sync.now();
    expect(await sync.status()).toMatchObject({ pending: 0, inFlight: 0, failed: 0, conflicts: 0 });
    expect(await contentOf(branch)).toEqual(await contentOf(central));
    expect(await branch.events.list({ stream: "sales", limit: 1000 })).toHaveLength(120);

    const before = await clocks();
    for (let round = 0; round < 3; round += 1) await sync.now();
    await sync.stop();
    expect(await clocks()).toEqual(before);
  });

  it("are a mirror in one direction", async () => {
    const mirror = await createStore("mirror", { driver: pg(there.url) });
    await mirror.records.put("only-here", 1);
    const sync = enableSync(mirror, { remote: central, name: "source", direction: "pull", interval: 3_600_000 });
    await sync.now();
    const source = await contentOf(central);
    expect(await contentOf(mirror)).toEqual({ ...source, records: { ...source.records, "only-here": 1 } });
    await central.records.put("late", { n: 1 });
    await sync.now();
    await sync.stop();
    expect((await mirror.records.get("late")).value).toEqual({ n: 1 });
    expect(await central.records.find("only-here")).toBeUndefined();
    await mirror.close();
  });

  async function clocks() {
    const heads = [central, branch].map(
      (store) =>
        store.sql`select lane::int, seq::text from persist.persist_sync_clock where store = ${store.name} order by lane`,
    );
    return Promise.all(heads);
  }
});

async function contentOf(store: Store) {
  const records = await store.records.list({ limit: 1000 });
  const entries = await store.kv.list({ limit: 1000 });
  const { events } = await store.events.readAll({ limit: 1000 });
  const streams: Record<string, string[]> = {};
  for (const { stream } of events) streams[stream] ??= [];
  for (const stream of Object.keys(streams).sort()) {
    const listed = await store.events.list({ stream, limit: 1000 });
    streams[stream] = listed.map(({ version, id }) => `${version} ${id}`);
  }
  return {
    records: Object.fromEntries(records.map(({ key, value }) => [key, value])),
    kv: Object.fromEntries(entries.map(({ key, value }) => [key, value])),
    streams: Object.fromEntries(Object.entries(streams).sort()),
  };
}
