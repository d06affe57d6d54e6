import { beforeAll, describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { storeReplica } from "../../src/sync/store-replica.ts";
import { type StoreCopies, storeCopies } from "../simulator/store-copies.ts";
import { contentOf, heard, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();
let copies: StoreCopies;
beforeAll(async () => {
  await (await stores.store("any")).migrate();
  copies = await storeCopies(stores.driver());
});

const options = { name: "mirror", direction: "push" } as const;

describe.each([undefined, "last-write-wins", "merge", "manual"] as const)(
  "a mirror that is restored to an earlier point, with the strategy %s",
  (strategy) => {
    async function mirrored(): Promise<{ server: Store; device: Store; backup: string; sync: () => Promise<unknown> }> {
      const server = await stores.store("server");
      const device = await stores.store("device");
      const sync = stores.sync(device, { ...options, remote: server, ...(strategy && { strategy }) });
      await server.records.put("theirs", 1);
      await device.records.put("old", 1);
      await sync.now();
      const backup = `${server.name}~backup`;
      await copies.copy(server.name, backup);
      await device.records.put("a", 1);
      await device.records.put("b", 1);
      await device.records.put("old", 2);
      await device.kv.set("k", 1);
      await device.events.append("s", 1);
      await sync.now();
      return { server, device, backup, sync: () => sync.now() };
    }

    it.each(["new", "same"] as const)("gets all of it again, under the %s epoch", async (epoch) => {
      const { server, device, backup, sync } = await mirrored();
      await copies.replace(server.name, backup, epoch);
      await device.records.put("b", 2);
      const events = heard(device, "sync:resync");
      await sync();
      expect(events).toHaveLength(1);
      expect((await contentOf(device)).records).toEqual({ old: 2, a: 1, b: 2 });
      const there = await contentOf(server);
      expect(there.records).toEqual({ theirs: 1, old: 2, a: 1, b: 2 });
      expect(there.kv).toEqual({ k: 1 });
      expect(there.events).toMatchObject([{ payload: 1 }]);
      expect(await sync()).toMatchObject({ pushed: 0, resyncs: 0, done: true });
    });
  },
);

describe("a mirror", () => {
  it("that has a large value in the way says so, and is not asked without end", async () => {
    const server = await stores.store("server");
    const device = await stores.store("device");
    await server.records.put(
      "k",
      Array.from({ length: 400_000 }, () => 1),
    );
    await device.records.put("k", "mine");
    const inner = storeReplica({ driver: stores.driver(), store: server.name, principal: "tester" });
    let pushes = 0;
    const remote = {
      ...inner,
      push(...call: Parameters<typeof inner.push>) {
        pushes += 1;
        return inner.push(...call);
      },
    };
    const report = await stores.sync(device, { ...options, remote }).now();
    expect(report).toMatchObject({ conflicts: 1, done: true });
    expect(pushes).toBeLessThan(5);
  });

  it("that never explains a conflict is asked again later", async () => {
    const server = await stores.store("server");
    const device = await stores.store("device");
    await server.records.put("k", 1);
    await device.records.put("k", 2);
    const inner = stores.replica(server);
    const remote = {
      ...inner,
      async push(...call: Parameters<typeof inner.push>) {
        const answer = await inner.push(...call);
        if (!("results" in answer)) return answer;
        return { ...answer, results: answer.results.map(({ current: _, ...rest }) => rest) };
      },
    };
    expect(await stores.sync(device, { ...options, remote }).now()).toMatchObject({ pushed: 0, done: false });
  });
});
