import { beforeAll, describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { collectTombstones } from "../../src/sync/collect.ts";
import { type StoreCopies, storeCopies } from "../simulator/store-copies.ts";
import { faultyReplica } from "./faulty.ts";
import { withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();
let copies: StoreCopies;
beforeAll(async () => {
  await (await stores.store("any")).migrate();
  copies = await storeCopies(stores.driver());
});

const payloads = async ({ events }: Store) => (await events.readAll()).events.map(({ payload }) => payload);

async function pair() {
  const server = await stores.store("server");
  const device = await stores.store("device");
  await server.records.put("first", 1);
  const remote = faultyReplica(stores.replica(server));
  const sync = stores.sync(device, { remote, name: "server" });
  await sync.now();
  return { server, device, remote, sync };
}

describe("an event that was pruned on the server", () => {
  it("stays away when the device has not pulled it back before", async () => {
    const { server, device, remote, sync } = await pair();
    await device.events.append("s", "mine");
    remote.plan("none", "request lost");
    await expect(sync.now()).rejects.toThrow();
    expect(await payloads(server)).toEqual(["mine"]);
    await server.events.prune({ keep: 0 });
    await sync.now();
    expect(await payloads(server)).toEqual([]);
    expect(await sync.now()).toMatchObject({ pushed: 0, done: true });
  });

  it.each(["new", "same"] as const)(
    "stays away after a restore, %s epoch, and what came after the backup comes back",
    async (epoch) => {
      const { server, device, sync } = await pair();
      await server.events.append("s", [1, 2, 3, 4, 5]);
      await sync.now();
      await server.events.prune({ keep: 1 });
      await sync.now();
      const backup = `${server.name}~backup`;
      await copies.copy(server.name, backup);
      await server.events.append("s", 6);
      await device.events.append("other", 7);
      await sync.now();
      await copies.replace(server.name, backup, epoch);
      await sync.now();
      await sync.now();
      expect((await payloads(server)).toSorted()).toEqual([5, 6, 7]);
      expect(await payloads(device)).toHaveLength(7);
      expect(await sync.now()).toMatchObject({ pushed: 0, resyncs: 0, done: true });
    },
  );
});

describe("an event that was pruned on the device", () => {
  it("stays away when everything is pulled again", async () => {
    const { server, device, sync } = await pair();
    await server.events.append("s", [1, 2, 3, 4, 5]);
    await sync.now();
    const { cursor } = await device.events.readAll();
    await device.events.prune({ keep: 1 });
    await server.records.delete("first");
    await collectTombstones({ driver: stores.driver(), store: server.name }, { olderThanMs: 0 });
    await server.events.append("s", 6);
    expect(await sync.now()).toMatchObject({ resyncs: 1, done: true });
    expect(await payloads(device)).toEqual([5, 6]);
    expect((await device.events.readAll({ cursor })).events).toHaveLength(1);
  });

  it("does not hide one that took its place on a restored server", async () => {
    const { server, device, sync } = await pair();
    const backup = `${server.name}~backup`;
    await copies.copy(server.name, backup);
    await server.events.append("s", [1, 2, 3]);
    await sync.now();
    await device.events.prune({ keep: 0 });
    await copies.replace(server.name, backup, "new");
    await server.events.append("s", "another");
    await sync.now();
    expect(await payloads(device)).toEqual(["another"]);
  });
});
