import { describe, expect, it } from "vitest";
import type { Replica } from "../../src/sync/replica.ts";
import { withSyncStores } from "./sync-stores.ts";

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
