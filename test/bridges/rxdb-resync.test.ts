import { describe, expect, it, vi } from "vitest";
import { rxdbReplication } from "../../src/bridges/rxdb.ts";
import { heroesOf, newDevice, syncOnce, withServers } from "./rxdb-devices.ts";

const newServer = withServers();

describe("a feed that cannot be continued", () => {
  it("is read from the start: what the server has no more goes, what was edited is decided by the push", async () => {
    const { replica, store, collect } = await newServer();
    const collection = await newDevice();
    for (const id of ["a", "b", "c", "d"]) await store.records.put(id, { id, name: id });
    await syncOnce(collection, { remote: replica });
    await (await collection.findOne("c").exec(true)).incrementalPatch({ name: "edited" });
    await (await collection.findOne("d").exec(true)).incrementalPatch({ name: "edited" });
    await collection.insert({ id: "e", name: "new" });
    await store.records.put("f", { id: "f", name: "f" });
    await store.records.deleteMany(["b", "c"]);
    await collect();

    const pull = vi.fn(replica.pull);
    expect(await syncOnce(collection, { remote: { ...replica, pull }, batchSize: 2 })).toEqual([]);
    expect(await Promise.all(pull.mock.results.map(({ value }) => value))).toContainEqual({ resync: "floor" });
    expect(await heroesOf(collection)).toEqual([
      { id: "a", name: "a" },
      { id: "d", name: "edited" },
      { id: "e", name: "new" },
      { id: "f", name: "f" },
    ]);
    expect((await store.records.get("d")).value).toEqual({ id: "d", name: "edited" });
  });

  it("fails a pull that finds it replaced twice, which RxDB repeats", async () => {
    const { replica } = await newServer();
    const pull = async () => ({ resync: "epoch" }) as const;
    const { handler } = rxdbReplication({ collection: await newDevice(), remote: { ...replica, pull } }).pull;
    await expect(handler({ cursor: "old" }, 10)).rejects.toMatchObject({ code: "resync", retryable: true });
  });
});
