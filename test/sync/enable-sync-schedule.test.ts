import { describe, expect, it } from "vitest";
import { PersistError } from "../../src/errors.ts";
import type { enableSync } from "../../src/sync/enable-sync.ts";
import type { Replica } from "../../src/sync/replica.ts";
import { failureOf } from "../contract/store.ts";
import { fakeNetwork } from "./fake-network.ts";
import { eventually, heard, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

async function pair() {
  const server = await stores.store("server");
  const device = await stores.store("device");
  return { server, device };
}

/** A sync that starts at once, as an application has it. */
function running(device: Parameters<typeof enableSync>[0], options: Parameters<typeof enableSync>[1]) {
  const sync = stores.sync(device, { debounceMs: 5, ...options });
  sync.resume();
  return sync;
}

describe("a sync that is enabled", () => {
  it("syncs at once, after edits, and every interval", async () => {
    const { server, device } = await pair();
    await server.records.put("first", 1);
    running(device, { remote: server, interval: 40 });
    await eventually(async () => expect(await device.records.find("first")).toBeDefined());
    await device.records.put("edit", 1);
    await eventually(async () => expect(await server.records.find("edit")).toBeDefined());
    await server.records.put("later", 1);
    await eventually(async () => expect(await device.records.find("later")).toBeDefined());
  });

  it("sends edits of every kind without waiting for the interval", async () => {
    const { server, device } = await pair();
    const sync = running(device, { remote: server });
    await sync.now();
    const edits: readonly (() => Promise<unknown>)[] = [
      () => device.records.put("a", 1),
      () => device.records.patch("a", { b: 1 }),
      () => device.records.delete("a"),
      () => device.kv.set("a", 1),
      () => device.kv.delete("a"),
      () => device.events.append("a", 1),
      () => device.transaction([{ op: "put", key: "b", value: 1 }]),
    ];
    for (const edit of edits) {
      const completed = heard(device, "sync:complete");
      await edit();
      await eventually(() => expect(completed).toMatchObject([{ report: { pushed: 1 } }]));
    }
  });

  it("gathers edits that come close together", async () => {
    const { server, device } = await pair();
    const sync = running(device, { remote: server, debounceMs: 50 });
    await sync.now();
    const completed = heard(device, "sync:complete");
    for (let n = 0; n < 10; n++) await device.records.put(`a${n}`, n);
    await eventually(() => expect(completed).toMatchObject([{ report: { pushed: 10 } }]));
  });

  it("sends what is edited while a round is on its way", async () => {
    const { server, device } = await pair();
    const replica = stores.replica(server);
    let edited = false;
    const remote: Replica = {
      ...replica,
      async pull(...call) {
        if (!edited) await device.records.put("a", 1);
        edited = true;
        return replica.pull(...call);
      },
    };
    running(device, { remote, name: "server" });
    await eventually(async () => expect(await server.records.find("a")).toBeDefined());
  });

  it("does nothing while it is paused, but for now()", async () => {
    const { server, device } = await pair();
    const sync = stores.sync(device, { remote: server, debounceMs: 1, interval: 1 });
    const started = heard(device, "sync:start");
    await device.records.put("a", 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(started).toEqual([]);
    expect((await sync.status()).state).toBe("paused");
    await sync.now();
    expect(started).toHaveLength(1);
    sync.resume();
    await eventually(() => expect(started.length).toBeGreaterThan(1));
  });

  it("ends a round at its next step when it is paused, and goes on later", async () => {
    const { server, device } = await pair();
    await server.records.putMany(Array.from({ length: 20 }, (_, n) => ({ key: `k${n}`, value: n })));
    const sync = stores.sync(device, { remote: server, limits: { maxChanges: 2 } });
    // After the first page, when the second one has been asked for.
    const off = device.on("sync:progress", () => sync.pause());
    expect(await sync.now()).toMatchObject({ pulled: 4, done: false });
    off();
    expect(await sync.now()).toMatchObject({ pulled: 16, done: true });
  });

  it("shares the next round among those who ask while one is on its way", async () => {
    const { server, device } = await pair();
    const sync = stores.sync(device, { remote: server });
    const started = heard(device, "sync:start");
    const first = sync.now();
    await device.records.put("a", 1);
    const reports = await Promise.all([first, sync.now(), sync.now(), sync.now()]);
    expect(started).toHaveLength(2);
    expect(reports[2]).toBe(reports[1]);
    expect(await server.records.find("a")).toBeDefined();
  });

  it("lets a caller give up waiting, and goes on", async () => {
    const { server, device } = await pair();
    const sync = stores.sync(device, { remote: server });
    await device.records.put("a", 1);
    expect(await failureOf(sync.now({ signal: AbortSignal.abort() }))).toMatchObject({ code: "aborted" });
    await sync.now();
    expect(await server.records.find("a")).toBeDefined();
  });
});

describe("a sync that is stopped", () => {
  it("does nothing more, and says so", async () => {
    const { server, device } = await pair();
    const network = fakeNetwork();
    const sync = running(device, { remote: server, network, interval: 1 });
    await sync.now();
    await Promise.all([sync.stop(), sync.stop()]);
    const started = heard(device, "sync:start");
    await device.records.put("a", 1);
    network.fire("online");
    sync.resume();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(started).toEqual([]);
    expect(network.listeners).toBe(0);
    expect(await failureOf(sync.now())).toMatchObject({ code: "closed" });
    expect(await sync.status()).toMatchObject({ state: "stopped", pending: 1 });
  });

  it("gives up a request that hangs", async () => {
    const { server, device } = await pair();
    const hanging: Replica = {
      ...stores.replica(server),
      pull: (_cursor, _limit, options) =>
        new Promise((_, reject) => {
          const gaveUp = () => reject(new PersistError("aborted", "given up", { outcome: "unknown" }));
          options?.signal?.addEventListener("abort", gaveUp);
        }),
    };
    const sync = stores.sync(device, { remote: hanging, name: "hanging" });
    const round = sync.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await sync.stop();
    expect(await round).toMatchObject({ done: false });
  });

  it("stops by itself when its database is closed", async () => {
    const { server } = await pair();
    const driver = stores.driver();
    let isClosed = false;
    const device = await stores.store("device", {
      ...driver,
      query: (...call) =>
        isClosed
          ? Promise.reject(new PersistError("closed", "closed", { outcome: "not-sent" }))
          : driver.query(...call),
    });
    const sync = running(device, { remote: server, interval: 5 });
    await sync.now();
    isClosed = true;
    await eventually(async () => expect(await failureOf(sync.now())).toMatchObject({ message: /stopped/ }));
  });
});
