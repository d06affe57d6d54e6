import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { enableSync, type SyncHandle } from "../../src/sync/index.ts";
import { failureOf } from "../contract/store.ts";
import { type PostgresServer, startPostgres } from "../servers/postgres.ts";
import { findPostgres, type PostgresBinaries } from "../servers/postgres-binaries.ts";

/** pg_dump reads servers up to its own version, so both clusters are of the version it came with. */
describe("a dump of the server, restored into a fresh cluster", () => {
  let binaries: PostgresBinaries;
  let before: PostgresServer;
  let after: PostgresServer;
  beforeAll(async () => {
    const { main, system } = await findPostgres();
    binaries = system ?? main;
    if (!existsSync(join(binaries.binaries, "pg_dump"))) {
      throw new Error("pg_dump is missing; run: apt-get install -y postgresql");
    }
    [before, after] = await Promise.all([startPostgres(binaries), startPostgres(binaries)]);
  });
  afterAll(() => Promise.all([before?.stop(), after?.stop()]));

  it("what the dump missed comes back from the devices, and what was written since reaches them", async () => {
    const central = await openServer(before);
    const device = await openDevice("device");
    const other = await openDevice("other");
    const sync = follow(device, central);
    for (let n = 0; n < 20; n += 1) await central.records.put(`central-${n}`, { n });
    await device.records.put("edited", { text: "as dumped" });
    await device.records.put("removed", { text: "as dumped" });
    await sync.now();

    await central.events.append("log", { before: "the dump" });
    const reader = await central.events.readAll();
    expect(reader.more).toBe(false);
    const dump = run("pg_dump", before, ["--schema=persist"]);

    // All of this is acknowledged, and none of it is in the dump.
    await device.records.put("edited", { text: "after the dump" });
    await device.records.put("added", { text: "after the dump" });
    await device.records.delete("removed");
    await device.events.append("log", { after: "the dump" });
    await device.kv.set("theme", "dark");
    await sync.now();
    await sync.stop();
    expect(await central.records.find("added")).toBeDefined();

    run("psql", after, ["--quiet", "--set=ON_ERROR_STOP=1"], dump);
    const restored = await openServer(after);
    expect(await restored.records.find("added")).toBeUndefined();
    // Far enough for the numbers of the restored feed to pass those that the device has seen.
    for (let n = 0; n < 60; n += 1) await restored.records.put(`restored-${n}`, { n });

    expect(await failureOf(restored.events.readAll({ cursor: reader.cursor }))).toMatchObject({ code: "resync" });

    const resyncs: string[] = [];
    device.on("sync:resync", ({ why }) => resyncs.push(why));
    const again = follow(device, restored);
    await again.now();
    await again.now();
    const fresh = follow(other, restored);
    await fresh.now();

    expect(resyncs).toEqual(["epoch"]);
    expect((await restored.records.get("edited")).value).toEqual({ text: "after the dump" });
    expect((await restored.records.get("added")).value).toEqual({ text: "after the dump" });
    expect(await restored.records.find("removed")).toBeUndefined();
    expect(await restored.kv.get("theme")).toBe("dark");
    expect(await recordsOf(device)).toEqual(await recordsOf(restored));
    expect(await recordsOf(other)).toEqual(await recordsOf(restored));
    expect((await device.events.list({ stream: "log" })).map(({ id }) => id)).toEqual(
      (await restored.events.list({ stream: "log" })).map(({ id }) => id),
    );
    expect(Object.keys(await recordsOf(device))).toHaveLength(82);
    expect(await again.status()).toMatchObject({ pending: 0, inFlight: 0, failed: 0, conflicts: 0 });
    await Promise.all([again.stop(), fresh.stop()]);
    await Promise.all([central, restored, device, other].map((store) => store.close()));
  });

  async function openServer(server: PostgresServer): Promise<Store> {
    const store = await createStore("central", { driver: pg(server.url) });
    await store.migrate();
    return store;
  }

  function run(command: "pg_dump" | "psql", { url }: PostgresServer, args: string[], input?: string): string {
    const { status, stdout, stderr } = spawnSync(join(binaries.binaries, command), [...args, url], {
      encoding: "utf8",
      input,
      maxBuffer: 64 * 1024 * 1024,
    });
    if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
    return stdout;
  }
});

function openDevice(name: string): Promise<Store> {
  return createStore(name, { driver: pglite() });
}

/** Under one name, wherever the server is: as an application does that reads its URL from a setting. */
function follow(device: Store, server: Store): SyncHandle {
  return enableSync(device, { remote: server, name: "central", strategy: "last-write-wins", interval: 3_600_000 });
}

async function recordsOf(store: Store): Promise<Record<string, unknown>> {
  const records = await store.records.list({ limit: 1000 });
  return Object.fromEntries(records.map(({ key, value }) => [key, value]));
}
