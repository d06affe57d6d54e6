import { describe, expect, it } from "vitest";
import { withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

describe("a device whose clock was a day ahead", () => {
  async function corrected() {
    const server = await stores.store("server");
    const device = await stores.store("device");
    const sync = stores.sync(device, { remote: server, name: "server", strategy: "last-write-wins" });
    await server.kv.set("k", 0);
    await server.records.put("r", 0);
    await sync.now();
    await device.kv.set("other", 1);
    await stores.driver().query({
      text: "update persist.persist_kv set updated_at = updated_at + interval '1 day' where store = $1 and key = 'other'",
      params: [device.name],
    });
    await sync.now();
    expect(await server.kv.get("other")).toBe(1);
    return { server, device, sync };
  }

  it("wins with what it writes later, once its clock is right", async () => {
    const { server, device, sync } = await corrected();
    await server.kv.set("k", "earlier");
    await server.records.put("r", "earlier");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await device.kv.set("k", "later");
    await device.records.put("r", "later");
    await sync.now();
    await sync.now();
    expect(await server.kv.get("k")).toBe("later");
    expect((await server.records.get("r")).value).toBe("later");
  });

  it("asks for the remote's time only as long as there is a difference", async () => {
    const { server, device } = await corrected();
    const replica = stores.replica(server);
    let looks = 0;
    const remote = {
      ...replica,
      head(...call: Parameters<typeof replica.head>) {
        looks += 1;
        return replica.head(...call);
      },
    };
    const sync = stores.sync(device, { remote, name: "server", strategy: "last-write-wins" });
    await sync.now();
    await sync.now();
    expect(looks).toBe(1);
  });
});
