import { describe, expect, it } from "vitest";
import { collectTombstones } from "../../src/sync/collect.ts";
import { faultyReplica } from "./faulty.ts";
import { contentOf, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

/** The outcome of a mutation is the same on every retry, also when what it tells of has changed long since. */
describe.each([undefined, "last-write-wins", "merge", "manual"] as const)(
  "an answer that comes when a later change is here already, with the strategy %s",
  (strategy) => {
    /** A device whose first push was answered, and did not hear it. */
    async function unheard(before: (server: Awaited<ReturnType<typeof stores.store>>) => Promise<unknown>) {
      const server = await stores.store("server");
      const device = await stores.store("device");
      const remote = faultyReplica(stores.replica(server));
      const sync = stores.sync(device, { remote, name: "server", strategy });
      await sync.now();
      await device.records.put("a", { by: "device" });
      // The server's is the later one for whoever goes by stamps.
      await new Promise((resolve) => setTimeout(resolve, 3));
      await before(server);
      remote.plan("reply lost");
      await expect(sync.now()).rejects.toThrow();
      expect(await sync.status()).toMatchObject({ inFlight: 1 });
      const pull = stores.sync(device, { remote, name: "server", strategy, direction: "pull" });
      return { server, device, sync, pull };
    }

    it("does not put back what was there when it was given", async () => {
      const { server, device, sync, pull } = await unheard((given) => given.records.put("a", { by: "server" }));
      await server.records.put("a", { by: "server", again: true });
      await pull.now();
      await sync.now();
      if (strategy === "manual") await device.records.resolve("a", "remote");
      await sync.now();
      expect(await device.records.get("a")).toMatchObject({ value: { again: true } });
      expect((await contentOf(device)).records).toEqual((await contentOf(server)).records);
    });

    it("does not take away what was made since", async () => {
      const { server, device, sync, pull } = await unheard(async ({ name, records }) => {
        await records.put("a", { by: "server" });
        await records.delete("a");
        await collectTombstones({ driver: stores.driver(), store: name }, { olderThanMs: 0 });
      });
      await server.records.put("a", { by: "server", anew: true });
      await server.records.put("a", { by: "server", anew: true, again: true });
      await pull.now();
      await sync.now();
      if (strategy === "manual") await device.records.resolve("a", "remote");
      await sync.now();
      expect(await device.records.find("a")).toBeDefined();
      expect((await contentOf(device)).records).toEqual((await contentOf(server)).records);
    });
  },
);

/** Its own change is in no page, nor is the deletion: only the answer to it can tell. */
describe.each([undefined, "last-write-wins", "merge", "manual"] as const)(
  "a write whose answer was lost, and that was deleted and collected meanwhile, with the strategy %s",
  (strategy) => {
    async function collected() {
      const server = await stores.store("server");
      const device = await stores.store("device");
      const remote = faultyReplica(stores.replica(server));
      const sync = stores.sync(device, { remote, name: "server", strategy });
      await sync.now();
      await device.records.put("a", { by: "device" });
      await device.kv.set("a", 1);
      remote.plan("reply lost");
      await expect(sync.now()).rejects.toThrow();
      await server.records.delete("a");
      await server.kv.delete("a");
      await collectTombstones({ driver: stores.driver(), store: server.name }, { olderThanMs: 0 });
      // All is read again, without a word of it.
      await stores.sync(device, { remote, name: "server", strategy, direction: "pull" }).now();
      return { server, device, sync };
    }

    it("is deleted on the device too", async () => {
      const { server, device, sync } = await collected();
      await sync.now();
      await sync.now();
      expect(await device.records.find("a")).toBeUndefined();
      expect(await device.kv.has("a")).toBe(false);
      expect(await contentOf(device)).toEqual(await contentOf(server));
      expect(await sync.status()).toMatchObject({ pending: 0, inFlight: 0, failed: 0, conflicts: 0 });
    });

    it("leaves an edit that was made since as a dead letter", async () => {
      const { server, device, sync } = await collected();
      await device.records.put("a", { by: "device", again: true });
      await sync.now();
      await sync.now();
      expect((await contentOf(device)).records).toEqual((await contentOf(server)).records);
      expect(await sync.failed()).toMatchObject([{ kind: "record", key: "a", reason: "gone" }]);
    });
  },
);
