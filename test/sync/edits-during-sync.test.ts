import { describe, expect, it } from "vitest";
import { collectTombstones } from "../../src/sync/collect.ts";
import type { Replica } from "../../src/sync/replica.ts";
import { contentOf, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

describe("an edit that is made while the one before it comes back", () => {
  it.each([undefined, "last-write-wins", "merge", "manual"] as const)("is no conflict: %s", async (strategy) => {
    const server = await stores.store("server");
    const device = await stores.store("device");
    const replica = stores.replica(server);
    const seen: Replica = {
      ...replica,
      async pull(...call) {
        const page = await replica.pull(...call);
        // The page is on its way, and holds what was pushed just before.
        const current = await device.records.find("a");
        if (current?.version === 1 && "changes" in page && page.changes.length > 0) {
          await device.records.put("a", "second");
          await device.kv.set("b", "second");
        }
        return page;
      },
    };
    const sync = stores.sync(device, { remote: seen, name: "server", ...(strategy && { strategy }) });
    await sync.now();
    await device.records.put("a", "first");
    await device.kv.set("b", "first");
    await sync.now();
    await sync.now();
    expect((await device.records.get("a")).value).toBe("second");
    expect((await server.records.get("a")).value).toBe("second");
    expect(await server.kv.get("b")).toBe("second");
    expect(await sync.status()).toMatchObject({ pending: 0, inFlight: 0, failed: 0, conflicts: 0 });
  });
});

describe("an edit that waits while everything is pulled again", () => {
  it.each([undefined, "last-write-wins", "merge", "manual"] as const)(
    "meets nothing but what has changed: %s",
    async (strategy) => {
      const server = await stores.store("server");
      const device = await stores.store("device");
      const sync = stores.sync(device, { remote: server, name: "server", ...(strategy && { strategy }) });
      for (const key of ["a", "b", "gone"]) await server.records.put(key, "first");
      await server.kv.set("a", "first");
      await sync.now();
      await device.records.put("a", "edited");
      await device.records.delete("b");
      await device.kv.set("a", "edited");
      await server.records.delete("gone");
      await collectTombstones({ driver: stores.driver(), store: server.name }, { olderThanMs: 0 });
      expect(await sync.now()).toMatchObject({ resyncs: 1, conflicts: 0, rejected: 0, done: true });
      const expected = { records: { a: "edited" }, kv: { a: "edited" } };
      expect(await contentOf(server)).toMatchObject(expected);
      expect(await contentOf(device)).toMatchObject(expected);
      expect((await contentOf(device)).records).toEqual(expected.records);
      expect(await sync.status()).toMatchObject({ pending: 0, failed: 0, conflicts: 0 });
    },
  );
});
