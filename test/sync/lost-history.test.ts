import { beforeAll, describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { collectTombstones } from "../../src/sync/collect.ts";
import type { Strategy } from "../../src/sync/strategy.ts";
import type { SyncHandle } from "../../src/sync/sync-handle.ts";
import { type StoreCopies, storeCopies } from "../simulator/store-copies.ts";
import { faultyReplica } from "./faulty.ts";
import { contentOf, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();
const strategies = [undefined, "last-write-wins", "merge", "manual"] as const;

let copies: StoreCopies;
beforeAll(async () => {
  await (await stores.store("any")).migrate();
  copies = await storeCopies(stores.driver());
});

/** A server, two devices that follow it, and a backup to put back. */
async function followed(strategy: Strategy | undefined) {
  const server = await stores.store("server");
  const devices = [await stores.store("first"), await stores.store("second")] as const;
  const follow = (device: Store) => stores.sync(device, { remote: server, name: "server", strategy });
  const [first, second] = [follow(devices[0]), follow(devices[1])];
  const backup = `${server.name}~backup`;
  return {
    server,
    devices,
    syncs: [first, second] as const,
    all: [server, ...devices],
    backUp: () => copies.copy(server.name, backup),
    restore: () => copies.replace(server.name, backup, "new"),
  };
}

/** In an order, and again until nothing is left to say. */
async function settled(syncs: readonly SyncHandle[]): Promise<void> {
  for (let round = 0; round < 3; round++) for (const sync of syncs) await sync.now();
}

async function areEqual(all: readonly Store[]): Promise<void> {
  const [first, ...others] = await Promise.all(all.map(contentOf));
  for (const other of others) expect(other).toEqual(first);
}

describe.each(strategies)(
  "what a restored server has lost comes back from the devices, with the strategy %s",
  (strategy) => {
    it.each([
      ["from who has deleted it", false],
      ["from who still has it", true],
    ])("but not what was deleted, whoever comes first: %s", async (_, isReversed) => {
      const { server, devices, syncs, all, backUp, restore } = await followed(strategy);
      const [deleting, keeping] = devices;
      await server.records.put("before", 1);
      await settled(syncs);
      await backUp();

      await deleting.records.put("a", 1);
      await settled(syncs);
      expect((await keeping.records.get("a")).value).toBe(1);
      await deleting.records.delete("a");
      await deleting.records.delete("before");
      await syncs[0].now();
      expect(await server.records.find("a")).toBeUndefined();
      await restore();

      await settled(isReversed ? syncs.toReversed() : syncs);
      expect((await contentOf(server)).records).toEqual({});
      await areEqual(all);
      expect(await syncs[0].status()).toMatchObject({ pending: 0, failed: 0, conflicts: 0 });
      expect(await syncs[1].status()).toMatchObject({ pending: 0, failed: 0, conflicts: 0 });
    });

    it.each([
      ["the newer", false],
      ["the older", true],
    ])("in its latest state, whichever is sent first: %s", async (_, isReversed) => {
      const { server, devices, syncs, all, backUp, restore } = await followed(strategy);
      await server.records.put("before", { n: 0 });
      await settled(syncs);
      await backUp();

      await devices[0].records.put("before", { n: 1 });
      await devices[0].records.put("a", { n: 1 });
      await settled(syncs);
      await devices[0].records.put("before", { n: 2 });
      await devices[0].records.put("a", { n: 2 });
      await syncs[0].now();
      await restore();

      await settled(isReversed ? syncs.toReversed() : syncs);
      expect(await contentOf(server)).toMatchObject({ records: { before: { n: 2 }, a: { n: 2 } } });
      await areEqual(all);
      expect(await syncs[1].status()).toMatchObject({ pending: 0, failed: 0, conflicts: 0 });
    });

    it("and a record that was made since is not taken for the one that was deleted", async () => {
      const { server, devices, syncs, all, backUp, restore } = await followed(strategy);
      await backUp();
      await devices[0].records.put("a", "old");
      await settled(syncs);
      await devices[0].records.delete("a");
      await settled(syncs);
      await restore();
      await syncs[0].now();

      await server.records.put("a", "new");
      await settled(syncs);
      expect((await server.records.get("a")).value).toBe("new");
      await areEqual(all);
    });

    it("with an edit that was made on it", async () => {
      const { server, devices, syncs, all, backUp, restore } = await followed(strategy);
      await server.records.put("a", { n: 0 });
      await settled(syncs);
      await backUp();
      await devices[0].records.put("a", { n: 1 });
      await settled(syncs);
      await restore();

      await devices[1].records.put("a", { n: 2 });
      await settled(syncs.toReversed());
      expect((await server.records.get("a")).value).toEqual({ n: 2 });
      await areEqual(all);
      expect(await syncs[1].status()).toMatchObject({ pending: 0, failed: 0, conflicts: 0 });
    });
  },
);

describe("what was written after a restore, beside what it has lost", () => {
  it("is merged", async () => {
    const { server, devices, syncs, all, backUp, restore } = await followed("merge");
    await server.records.put("a", { before: 1 });
    await settled(syncs);
    await backUp();
    await devices[0].records.patch("a", { lost: 1 });
    await devices[0].records.patch("a", { more: 1 });
    await settled(syncs);
    await restore();
    await server.records.patch("a", { since: 1 });
    await settled(syncs);
    expect((await server.records.get("a")).value).toEqual({ before: 1, lost: 1, more: 1, since: 1 });
    await areEqual(all);
  });

  it("wins without a strategy, and what was lost is a dead letter", async () => {
    const { server, devices, syncs, all, backUp, restore } = await followed(undefined);
    await server.records.put("a", 0);
    await settled(syncs);
    await backUp();
    await devices[0].records.put("a", 1);
    await devices[0].records.put("a", 2);
    await syncs[0].now();
    await restore();
    await server.records.put("a", "since");
    await settled(syncs);
    expect((await server.records.get("a")).value).toBe("since");
    await areEqual(all);
    expect(await syncs[0].failed()).toMatchObject([{ key: "a", reason: "conflict", payload: { value: 2 } }]);
  });
});

describe("what was sent and taken, and was not pulled before the server was put back", () => {
  async function sent(arrival: "none" | "twice" = "none") {
    const server = await stores.store("server");
    const device = await stores.store("device");
    const remote = faultyReplica(stores.replica(server));
    const sync = stores.sync(device, { remote, name: "server" });
    await copies.copy(server.name, `${server.name}~backup`);
    await sync.now();
    await device.records.put("a", 1);
    await device.events.append("log", { of: "a" });
    await device.kv.set("b", 1);
    remote.plan(arrival, "request lost");
    await expect(sync.now()).rejects.toThrow();
    expect(await sync.status()).toMatchObject({ pending: 0, inFlight: 0 });
    expect(await server.records.find("a")).toBeDefined();
    return { server, device, remote, sync };
  }

  it.each(["none", "twice"] as const)(
    "is sent again, though nobody writes there and the cursor is as good as before: %s",
    async (arrival) => {
      const { server, device, sync } = await sent(arrival);
      await copies.replace(server.name, `${server.name}~backup`, "same");
      expect(await contentOf(server)).toEqual({ records: {}, kv: {}, events: [] });
      await sync.now();
      await areEqual([server, device]);
      expect(await contentOf(server)).toMatchObject({ records: { a: 1 }, kv: { b: 1 }, events: [{ stream: "log" }] });
    },
  );

  it("is waited for where a replica of the server is only behind", async () => {
    const { server, device, remote, sync } = await sent();
    const resyncs: string[] = [];
    device.on("sync:resync", ({ why }) => resyncs.push(why));
    const before = await stores.replica(await stores.store("empty")).pull(null, 10);
    const behind = { ...remote, pull: async (cursor: string | null) => ({ ...before, cursor: cursor ?? "" }) };
    const stale = stores.sync(device, { remote: behind as typeof remote, name: "server" });
    await stale.now();
    expect(resyncs).toEqual([]);
    await sync.now();
    expect(resyncs).toEqual([]);
    await areEqual([server, device]);
  });
});

describe("a server that has lost all of its history", () => {
  it.each([
    ["and has none", false],
    ["and has begun another", true],
  ])("is noticed though the cursor, too, is from before it: %s", async (_, isNew) => {
    const { server, devices, syncs, backUp } = await followed(undefined);
    const [sync] = syncs;
    await sync.now();
    await backUp();
    const cursorOf = {
      text: "select cursor from persist.persist_sync_remotes where store = $1",
      params: [devices[0].name],
    };
    const [before] = await stores.driver().query(cursorOf);
    await server.records.put("a", 1);
    await sync.now();

    await copies.replace(server.name, `${server.name}~backup`, "same");
    const text = `update persist.persist_sync_remotes set cursor = $2, "position" = '[]' where store = $1`;
    await stores.driver().query({ text, params: [devices[0].name, String(before?.["cursor"])] });
    if (isNew) await server.records.put("b", 1);
    await devices[0].records.put("c", 1);
    await sync.now();
    expect((await contentOf(server)).records).toEqual({ a: 1, ...(isNew && { b: 1 }), c: 1 });
    await areEqual([server, devices[0]]);
  });
});

describe("an edit that was on its way when its record was deleted, collected and made anew", () => {
  it.each([
    ["a write", (device: Store) => device.records.put("a", "edit")],
    ["a deletion", (device: Store) => device.records.delete("a")],
  ])("does not change the new record, though that counts its versions from 1 again: %s", async (_, edit) => {
    const server = await stores.store("server");
    const device = await stores.store("device");
    const remote = faultyReplica(stores.replica(server));
    const sync = stores.sync(device, { remote, name: "server" });
    await server.records.put("a", "old");
    await sync.now();

    await edit(device);
    remote.plan("request lost");
    await expect(sync.now()).rejects.toThrow();
    expect(await sync.status()).toMatchObject({ inFlight: 1 });
    await server.records.delete("a");
    await collectTombstones({ driver: stores.driver(), store: server.name }, { olderThanMs: 0 });
    await server.records.put("a", "new");
    expect((await server.records.get("a")).version).toBe(1);

    await sync.now();
    await sync.now();
    expect((await server.records.get("a")).value).toBe("new");
    expect((await device.records.get("a")).value).toBe("new");
    expect(await sync.status()).toMatchObject({ pending: 0, inFlight: 0 });
  });
});

describe("a write whose answer was lost, and that was pulled before it was sent again", () => {
  it("keeps the version that it has there, by which a restored server knows that it is later", async () => {
    const server = await stores.store("server");
    const device = await stores.store("device");
    const backup = `${server.name}~backup`;
    const remote = faultyReplica(stores.replica(server));
    const sync = stores.sync(device, { remote, name: "server" });
    for (const value of [1, 2, 3]) {
      await server.kv.set("k", value);
      await server.records.put("k", value);
    }
    await sync.now();
    await copies.copy(server.name, backup);
    await device.kv.set("k", "new");
    await device.records.put("k", "new");
    remote.plan("reply lost");
    await expect(sync.now()).rejects.toThrow();
    await stores.sync(device, { remote, name: "server", direction: "pull" }).now();
    await sync.now();
    await copies.replace(server.name, backup, "new");
    await sync.now();
    await sync.now();
    for (const store of [server, device]) {
      expect(await contentOf(store)).toMatchObject({ records: { k: "new" }, kv: { k: "new" } });
    }
  });
});
