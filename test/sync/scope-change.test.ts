import { describe, expect, it } from "vitest";
import { contentOf, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

async function pair() {
  const server = await stores.store("server");
  const device = await stores.store("device");
  const within = (scope?: string) =>
    stores.sync(device, { remote: server, name: "server", ...(scope !== undefined && { scope }) });
  return { server, device, within };
}

describe("a scope that becomes another", () => {
  it("sends what lay outside of it before", async () => {
    const { server, device, within } = await pair();
    await device.records.put("a/1", 1);
    await device.records.put("b/1", 1);
    await device.kv.set("b/1", 1);
    await device.events.append("b/s", 1);
    expect(await within("a/").now()).toMatchObject({ pushed: 1 });
    expect(await within().now()).toMatchObject({ pushed: 3, done: true });
    expect(await contentOf(server)).toEqual(await contentOf(device));
  });

  it("leaves what lies outside of it as it is, here and elsewhere, and goes on with it later", async () => {
    const { server, device, within } = await pair();
    const other = await stores.store("other");
    const toOther = stores.sync(device, { remote: other, name: "other" });
    for (const key of ["a/1", "b/1", "b/2"]) await device.records.put(key, 1);
    await device.kv.set("b/1", 1);
    await within().now();
    await toOther.now();
    const before = await contentOf(device);

    await device.records.put("b/2", "edited");
    expect(await within("a/").now()).toMatchObject({ written: 0, conflicts: 0, done: true });
    await server.records.put("b/1", "there");
    await within("a/").now();
    await toOther.now();
    const edited = { ...before, records: { ...before.records, "b/2": "edited" } };
    expect(await contentOf(device)).toEqual(edited);
    expect(await contentOf(other)).toEqual(edited);

    expect(await within().now()).toMatchObject({ conflicts: 0, done: true });
    expect((await contentOf(device)).records).toEqual({ "a/1": 1, "b/1": "there", "b/2": "edited" });
    expect(await contentOf(server)).toEqual(await contentOf(device));
  });

  it("does not give up what was on its way", async () => {
    const { server, device, within } = await pair();
    await within().now();
    await device.records.put("b/1", 1);
    const [taken] = await stores.driver().query({
      text: "select status from persist.sync_take($1, 'server', 'lost', '0', 10, 100000, '', false)",
      params: [device.name],
    });
    expect(taken).toMatchObject({ status: "ok" });
    expect(await within("a/").now()).toMatchObject({ rejected: 0, done: true });
    expect(await within().now()).toMatchObject({ pushed: 1, done: true });
    expect((await server.records.get("b/1")).value).toBe(1);
  });
});
