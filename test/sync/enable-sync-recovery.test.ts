import { describe, expect, it } from "vitest";
import { ConnectionError, PersistError } from "../../src/errors.ts";
import type { enableSync } from "../../src/sync/enable-sync.ts";
import type { Replica } from "../../src/sync/replica.ts";
import { failureOf } from "../contract/store.ts";
import { fakeNetwork } from "./fake-network.ts";
import { faultyReplica } from "./faulty.ts";
import { eventually, heard, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

async function pair() {
  const server = await stores.store("server");
  const device = await stores.store("device");
  return { server, device, replica: faultyReplica(stores.replica(server)) };
}

/** A sync that starts at once, as an application has it. */
function running(device: Parameters<typeof enableSync>[0], options: Parameters<typeof enableSync>[1]) {
  const sync = stores.sync(device, { debounceMs: 5, ...options });
  sync.resume();
  return sync;
}

describe("a sync whose remote fails", () => {
  it("tries again with longer waits, and is well again after a success", async () => {
    const { device, replica } = await pair();
    replica.plan(...Array<"request lost">(4).fill("request lost"));
    const delays: number[] = [];
    const random = () => {
      delays.push(delays.length);
      return 0.001;
    };
    const errors = heard(device, "sync:error");
    const completed = heard(device, "sync:complete");
    const sync = running(device, { remote: replica, name: "server", random });
    await eventually(() => expect(completed).toHaveLength(1));
    expect(errors).toHaveLength(4);
    expect(delays).toHaveLength(4);
    expect((await sync.status()).state).toBe("idle");
  });

  it("waits as long as the remote asks, whatever is edited", async () => {
    const { server, device } = await pair();
    const busy: Replica = {
      ...stores.replica(server),
      pull: () => Promise.reject(new ConnectionError("busy", { outcome: "rejected", retryAfterMs: 100_000 })),
    };
    const errors = heard(device, "sync:error");
    const sync = running(device, { remote: busy, name: "busy" });
    await eventually(async () => expect((await sync.status()).state).toBe("backing-off"));
    await device.records.put("a", 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(errors).toHaveLength(1);
    expect((await sync.status()).state).toBe("backing-off");
  });

  it("rests while there is no network, and goes on when it is back", async () => {
    const { server, device } = await pair();
    const network = fakeNetwork();
    const sync = running(device, { remote: server, network, interval: 5 });
    await sync.now();
    network.fire("offline");
    await new Promise((resolve) => setTimeout(resolve, 20));
    const started = heard(device, "sync:start");
    await device.records.put("a", 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(started).toEqual([]);
    expect((await sync.status()).state).toBe("offline");
    network.fire("online");
    await eventually(async () => expect(await server.records.find("a")).toBeDefined());
  });

  it("syncs when the page is shown or hidden", async () => {
    const { server, device } = await pair();
    const network = fakeNetwork();
    const sync = running(device, { remote: server, network });
    await sync.now();
    const completed = heard(device, "sync:complete");
    network.fire("visibilitychange");
    await eventually(() => expect(completed).toHaveLength(1));
  });

  it("tells when edits do not get through although the remote moves on", async () => {
    const { server, device } = await pair();
    const replica = stores.replica(server);
    const remote: Replica = {
      ...replica,
      push: () => Promise.reject(new PersistError("forbidden", "no", { outcome: "rejected" })),
    };
    const sync = stores.sync(device, { remote, name: "server", stalledAfterMs: 1 });
    await device.records.put("a", 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const stalled = heard(device, "sync:stalled");
    await server.records.put("b", 1);
    await failureOf(sync.now());
    await failureOf(sync.now());
    expect(stalled).toMatchObject([{ pending: 1, oldestPendingAgeMs: expect.any(Number) }]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await server.records.put("b", 2);
    await failureOf(sync.now());
    expect(stalled).toHaveLength(2);
  });
});

describe("live", () => {
  it("pulls as soon as the remote moves, and stops to wait with the sync", async () => {
    const { server, device } = await pair();
    let moved = Promise.withResolvers<void>();
    let waiting = 0;
    const remote = {
      ...stores.replica(server),
      async poke(_known: unknown, { signal }: { readonly signal?: AbortSignal } = {}) {
        waiting += 1;
        const ended = new Promise<void>((_, reject) =>
          signal?.addEventListener("abort", () => reject(new Error("end"))),
        );
        await Promise.race([moved.promise, ended]).finally(() => {
          waiting -= 1;
        });
        moved = Promise.withResolvers();
        return { head: crypto.randomUUID(), epoch: null };
      },
    };
    const sync = running(device, { remote, name: "server", live: true });
    await sync.now();
    for (const key of ["a", "b"]) {
      await server.records.put(key, 1);
      moved.resolve();
      await eventually(async () => expect(await device.records.find(key)).toBeDefined());
    }
    await eventually(() => expect(waiting).toBe(1));
    sync.pause();
    await eventually(() => expect(waiting).toBe(0));
    sync.resume();
    await eventually(() => expect(waiting).toBe(1));
    await sync.stop();
    await eventually(() => expect(waiting).toBe(0));
  });
});
