import { beforeAll, describe, expect, it } from "vitest";
import { type StoreCopies, storeCopies } from "../simulator/store-copies.ts";
import { faultyReplica } from "./faulty.ts";
import { contentOf, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

let copies: StoreCopies;
beforeAll(async () => {
  await (await stores.store("any")).migrate();
  copies = await storeCopies(stores.driver());
});

describe("two copies of a device", () => {
  it("are not taken for each other, though they number their edits alike", async () => {
    const server = await stores.store("server");
    const [device, copy] = [await stores.store("device"), await stores.store("copy")];
    const remote = faultyReplica(stores.replica(server));
    const syncOf = (store: typeof device) => stores.sync(store, { remote, name: "server", strategy: "merge" });
    await syncOf(device).now();
    await device.records.put("set", { both: 1 });
    await copies.copy(device.name, copy.name);

    await device.records.patch("set", { device: 1 });
    await syncOf(device).now();
    await copy.records.patch("set", { copy: 1 });
    remote.plan("request lost");
    await expect(syncOf(copy).now()).rejects.toThrow();
    // It reads what the other one has sent under the number of what is on its way from here.
    await stores.sync(copy, { remote, name: "server", strategy: "merge", direction: "pull" }).now();

    for (const each of [copy, device, copy]) await syncOf(each).now();
    expect((await server.records.get("set")).value).toEqual({ both: 1, device: 1, copy: 1 });
    expect((await contentOf(device)).records).toEqual((await contentOf(server)).records);
    expect((await contentOf(copy)).records).toEqual((await contentOf(server)).records);
  });
});
