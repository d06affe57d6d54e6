import { describe, expect, it } from "vitest";
import { page, pushOne, stamp, withReplicas } from "./replicas.ts";

const { replica: newReplica, both } = withReplicas();

describe("an entry that is pushed", () => {
  it("is there for the store, with its encoding and its end", async () => {
    const { replica, store } = await both();
    await pushOne(replica, { op: "kv.set", key: "a", value: { x: [1] } });
    await pushOne(replica, { op: "kv.set", key: "bytes", value: "AQI=", encoding: "base64" });
    await pushOne(replica, { op: "kv.set", key: "over", value: 1, expiresAt: "2026-01-01T00:00:00.000001Z" });
    await pushOne(replica, { op: "kv.set", key: "null", value: null });
    expect(await store.kv.get("a")).toEqual({ x: [1] });
    expect(await store.kv.get("bytes")).toEqual(new Uint8Array([1, 2]));
    expect(await store.kv.get("over")).toBeUndefined();
    expect(await store.kv.get("null")).toBeNull();

    const { changes } = await page(replica.pull(null, 10));
    const updatedAt = expect.any(String);
    expect(changes).toEqual([
      { kind: "kv", key: "a", value: { x: [1] }, version: 1, seq: "0:1", updatedAt },
      { kind: "kv", key: "bytes", value: "AQI=", encoding: "base64", version: 1, seq: "0:2", updatedAt },
      {
        kind: "kv",
        key: "over",
        value: 1,
        expiresAt: "2026-01-01T00:00:00.000001Z",
        version: 1,
        seq: "0:3",
        updatedAt,
      },
      { kind: "kv", key: "null", value: null, version: 1, seq: "0:4", updatedAt },
    ]);
  });

  it("is written over without a stamp, and by the later stamp", async () => {
    const replica = newReplica();
    await pushOne(replica, { op: "kv.set", key: "a", value: 1, hlc: stamp(5) });
    expect(await pushOne(replica, { op: "kv.set", key: "a", value: 2, hlc: stamp(4) })).toMatchObject({
      status: "conflict",
      version: 1,
      current: { key: "a", value: 1, hlc: stamp(5), deleted: false },
    });
    expect(await pushOne(replica, { op: "kv.delete", key: "a", hlc: stamp(4) })).toMatchObject({ status: "conflict" });
    expect(await pushOne(replica, { op: "kv.set", key: "a", value: 3, hlc: stamp(6) })).toMatchObject({ version: 2 });
    expect(await pushOne(replica, { op: "kv.set", key: "a", value: 4 })).toMatchObject({ version: 3 });
    expect(await pushOne(replica, { op: "kv.delete", key: "a" })).toMatchObject({ version: 4 });
    expect(await pushOne(replica, { op: "kv.set", key: "a", value: 5 })).toMatchObject({ version: 5 });
  });

  it("moves nothing when it makes no difference", async () => {
    const replica = newReplica();
    const entry = { op: "kv.set", key: "a", value: "AQI=", encoding: "base64", expiresAt: "2096-01-01T00:00:00Z" };
    const first = await pushOne(replica, entry);
    await pushOne(replica, { op: "kv.set", key: "b", value: 1 });
    await pushOne(replica, { op: "kv.delete", key: "b" });
    const { head } = await replica.head();
    expect(await pushOne(replica, entry)).toEqual(first);
    expect(await pushOne(replica, { op: "kv.delete", key: "b" })).toMatchObject({ status: "applied", version: 2 });
    expect(await pushOne(replica, { op: "kv.delete", key: "none" })).toEqual({ id: 1, status: "applied" });
    expect((await replica.head()).head).toBe(head);
  });

  it.each([
    ["the value", { value: "AAA=" }],
    ["the encoding", { encoding: undefined }],
    ["the end", { expiresAt: undefined }],
  ])("is a change when %s differs", async (_, other) => {
    const replica = newReplica();
    const entry = { op: "kv.set", key: "a", value: "AQI=", encoding: "base64", expiresAt: "2096-01-01T00:00:00Z" };
    await pushOne(replica, entry);
    expect(await pushOne(replica, { ...entry, ...other })).toMatchObject({ status: "applied", version: 2 });
  });

  it.each(["before", "after"])("is judged as it stands there when it is over, %s the sweep", async (when) => {
    const { replica, store } = await both();
    const ended = { op: "kv.set", key: "a", value: 1, expiresAt: "2026-03-01T00:00:00Z" };
    const isSwept = when === "after";
    await pushOne(replica, { ...ended, value: 0, hlc: stamp(3) });
    await pushOne(replica, { ...ended, hlc: stamp(5) });
    if (isSwept) expect(await store.kv.sweep()).toBe(1);

    // As a pull tells it: what a device takes in from a conflict is what it pulls afterwards.
    expect(await pushOne(replica, { op: "kv.set", key: "a", value: 2, hlc: stamp(4) })).toMatchObject({
      status: "conflict",
      current: isSwept ? { deleted: true, value: null } : { deleted: false, value: 1 },
    });
    expect(await pushOne(replica, { op: "kv.set", key: "a", value: 2, hlc: stamp(6) })).toMatchObject({
      status: "applied",
      version: 3,
    });
  });
});
