import { describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { eventually, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

/** An entry whose life has ended is no later write than it ever was, whoever sweeps it and when. */
describe.each(["device", "server"] as const)("an entry that has expired on the %s", (where) => {
  it.each([false, true])("loses against a later write on the other side; swept: %s", async (isSwept) => {
    const server = await stores.store("server");
    const device = await stores.store("device");
    const sync = stores.sync(device, { remote: server, name: "server" });
    await server.kv.set("k", 0);
    await sync.now();
    const [one, other]: readonly [Store, Store] = where === "device" ? [device, server] : [server, device];
    await one.kv.set("k", 1, { ttl: 100 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await other.kv.set("k", 2);
    await eventually(async () => expect(await one.kv.has("k")).toBe(false));
    if (isSwept) expect(await one.kv.sweep()).toBe(1);
    await sync.now();
    await sync.now();
    expect([await server.kv.get("k"), await device.kv.get("k")]).toEqual([2, 2]);
  });
});
