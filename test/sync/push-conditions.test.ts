import { describe, expect, it } from "vitest";
import { accepted, batch, page, pullAll, pushOne, put, remove, stamp, withReplicas } from "./replicas.ts";

const { replica: newReplica, both } = withReplicas();

/** A live record at version 2, one that is deleted at version 2, and `none` that never was. */
async function withRecords() {
  const replica = newReplica();
  await replica.push(batch(put(1, "live", 1), put(2, "live", { x: 1 }, 1), put(3, "dead", 1), remove(4, "dead", 1)));
  return { replica, head: (await replica.head()).head };
}

describe("a write by the version last seen", () => {
  it.each([
    ["put", { op: "put", key: "live", value: 2, base: 2 }, { status: "applied", version: 3 }],
    ["put", { op: "put", key: "live", value: 2, base: 1 }, { status: "conflict", version: 2 }],
    ["put", { op: "put", key: "live", value: 2, base: 0 }, { status: "conflict", version: 2 }],
    ["put", { op: "put", key: "dead", value: 2, base: 2 }, { status: "applied", version: 3 }],
    ["put", { op: "put", key: "dead", value: 2, base: 1 }, { status: "conflict", version: 2 }],
    ["put", { op: "put", key: "dead", value: 2, base: 0 }, { status: "conflict", version: 2 }],
    ["put", { op: "put", key: "none", value: 2, base: 0 }, { status: "applied", version: 1 }],
    ["put", { op: "put", key: "none", value: 2, base: 1 }, { status: "gone" }],
    ["delete", { op: "delete", key: "live", base: 2 }, { status: "applied", version: 3 }],
    ["delete", { op: "delete", key: "live", base: 1 }, { status: "conflict", version: 2 }],
    ["delete", { op: "delete", key: "live", base: 0 }, { status: "conflict", version: 2 }],
    ["delete", { op: "delete", key: "none", base: 1 }, { status: "gone" }],
    ["merge", { op: "merge", key: "live", value: { y: 2 }, base: 2 }, { status: "applied", version: 3 }],
    ["merge", { op: "merge", key: "live", value: { y: 2 }, base: 1 }, { status: "conflict", version: 2 }],
    ["merge", { op: "merge", key: "dead", value: { y: 2 }, base: 2 }, { status: "applied", version: 3 }],
    ["merge", { op: "merge", key: "none", value: { y: 2 }, base: 0 }, { status: "applied", version: 1 }],
    ["merge", { op: "merge", key: "none", value: { y: 2 }, base: 4 }, { status: "gone" }],
  ])("%s: %j", async (_, mutation, expected) => {
    const { replica } = await withRecords();
    expect(await pushOne(replica, mutation)).toMatchObject({ id: 1, ...expected });
  });

  it("answers a conflict with the row as it is now, and goes on", async () => {
    const { replica } = await withRecords();
    const { results } = await accepted(
      replica.push({ client: "c2", mutations: [put(1, "live", "mine"), put(2, "dead", "mine"), put(3, "new", 1)] }),
    );
    const updatedAt = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(results).toEqual([
      {
        id: 1,
        status: "conflict",
        version: 2,
        current: { key: "live", value: { x: 1 }, version: 2, deleted: false, updatedAt },
      },
      {
        id: 2,
        status: "conflict",
        version: 2,
        current: { key: "dead", value: null, version: 2, deleted: true, updatedAt },
      },
      { id: 3, status: "applied", version: 1, seq: expect.any(String) },
    ]);
  });

  it("leaves current rows out of an answer that would grow past a megabyte", async () => {
    const replica = newReplica();
    const large = "x".repeat(250_000);
    for (let id = 1; id <= 6; id++) await replica.push(batch(put(id, `k${id}`, large)));
    const again = Array.from({ length: 6 }, (_, n) => put(n + 1, `k${n + 1}`, 0));
    const { results } = await accepted(replica.push({ client: "c2", mutations: again }));
    expect(results.map((result) => [result.status, "current" in result])).toEqual([
      ...Array.from({ length: 4 }, () => ["conflict", true]),
      ...Array.from({ length: 2 }, () => ["conflict", false]),
    ]);
  });
});

describe("a write that makes no difference", () => {
  it.each([
    ["the same value, seen", { op: "put", key: "live", value: { x: 1 }, base: 2 }, 2],
    ["the same value, not seen", { op: "put", key: "live", value: { x: 1 }, base: 0 }, 2],
    ["the same value, under a wrong assumption", { op: "put", key: "live", value: { x: 1 }, assumed: null }, 2],
    ["the same value, long ago", { op: "put", key: "live", value: { x: 1 }, hlc: "000000000000001-000000-n" }, 2],
    ["a delete of what is deleted", { op: "delete", key: "dead", base: 0 }, 2],
    ["a delete of what is deleted, long ago", { op: "delete", key: "dead", hlc: "000000000000001-000000-n" }, 2],
    ["a patch that is in already", { op: "merge", key: "live", value: { x: 1, y: null } }, 2],
    ["a delete of what never was", { op: "delete", key: "none", base: 0 }, undefined],
    ["a delete of what never was, by a stamp", { op: "delete", key: "none", hlc: stamp(0) }, undefined],
  ])("counts as applied and moves nothing: %s", async (_, mutation, version) => {
    const { replica, head } = await withRecords();
    const before = await pullAll(replica, 10);
    const result = await pushOne(replica, mutation);
    expect(result).toMatchObject({ status: "applied" });
    expect(result.version).toBe(version);
    expect((await replica.head()).head).toBe(head);
    expect(await pullAll(replica, 10)).toEqual(before);
  });
});

describe("a write by its stamp", () => {
  it("is taken when it is later, and otherwise shown what is there", async () => {
    const replica = newReplica();
    expect(await pushOne(replica, { op: "put", key: "a", value: 1, hlc: stamp(10) })).toMatchObject({ version: 1 });
    expect(await pushOne(replica, { op: "put", key: "a", value: 2, hlc: stamp(9) })).toMatchObject({
      status: "conflict",
      version: 1,
      current: { value: 1, hlc: stamp(10) },
    });
    expect(await pushOne(replica, { op: "put", key: "a", value: 3, hlc: stamp(11) })).toMatchObject({ version: 2 });
    expect(await pushOne(replica, { op: "delete", key: "a", hlc: stamp(10) })).toMatchObject({ status: "conflict" });
    expect(await pushOne(replica, { op: "delete", key: "a", hlc: stamp(12) })).toMatchObject({ version: 3 });
    expect(await pushOne(replica, { op: "put", key: "a", value: 4, hlc: stamp(11) })).toMatchObject({
      status: "conflict",
      current: { deleted: true },
    });
    expect(await pushOne(replica, { op: "put", key: "a", value: 4, hlc: stamp(13) })).toMatchObject({ version: 4 });
    expect((await page(replica.pull(null, 10))).changes).toMatchObject([{ key: "a", value: 4, hlc: stamp(13) }]);
  });

  it("is decided by the node when the time is the same, byte by byte, and against itself", async () => {
    const replica = newReplica();
    await pushOne(replica, { op: "put", key: "a", value: "a", hlc: stamp(1, "a") });
    expect(await pushOne(replica, { op: "put", key: "a", value: "B", hlc: stamp(1, "B") })).toMatchObject({
      status: "conflict",
    });
    expect(await pushOne(replica, { op: "put", key: "a", value: "b", hlc: stamp(1, "b") })).toMatchObject({
      status: "applied",
    });
    expect(await pushOne(replica, { op: "put", key: "a", value: "c", hlc: stamp(1, "b") })).toMatchObject({
      status: "conflict",
    });
  });

  it("is held against the time of a write that has no stamp, also where one had been before", async () => {
    const { replica, store } = await both();
    await pushOne(replica, { op: "put", key: "a", value: 1, hlc: stamp(0) });
    await store.records.put("a", 2);
    const now = Date.now() - Date.UTC(2026, 0);
    expect(await pushOne(replica, { op: "put", key: "a", value: 3, hlc: stamp(now - 60_000) })).toMatchObject({
      status: "conflict",
      current: expect.not.objectContaining({ hlc: expect.anything() }),
    });
    expect(await pushOne(replica, { op: "put", key: "a", value: 3, hlc: stamp(now + 60_000) })).toMatchObject({
      status: "applied",
    });
  });

  it("is remembered as the later one, even when it wrote what was there already", async () => {
    const replica = newReplica();
    const { version, seq } = await pushOne(replica, { op: "put", key: "a", value: 1, hlc: stamp(1) });
    expect(await pushOne(replica, { op: "put", key: "a", value: 1, hlc: stamp(3) })).toEqual({
      id: 1,
      status: "applied",
      version,
      seq,
    });
    expect(await pushOne(replica, { op: "put", key: "a", value: 2, hlc: stamp(2) })).toMatchObject({
      status: "conflict",
      current: { value: 1, hlc: stamp(3) },
    });
  });

  it("does not bring back what the client knew and is gone without a trace", async () => {
    const replica = newReplica();
    const mutation = { op: "put", key: "a", value: 1, hlc: stamp(1) };
    expect(await pushOne(replica, { ...mutation, base: 3 })).toEqual({ id: 1, status: "gone" });
    expect(await pushOne(replica, { ...mutation, base: 0 })).toMatchObject({ status: "applied" });
  });

  it("is refused when it is further ahead of the clock than allowed", async () => {
    const replica = newReplica({ maxSkewMs: 60_000 });
    const now = Date.now() - Date.UTC(2026, 0);
    const early = await pushOne(replica, { op: "put", key: "a", value: 1, hlc: stamp(now + 90_000) });
    expect(early).toEqual({ id: 1, status: "skew", serverTime: expect.any(String) });
    expect(Math.abs(Date.parse(early.serverTime ?? "") - Date.now())).toBeLessThan(60_000);
    expect(await pushOne(replica, { op: "kv.set", key: "a", value: 1, hlc: stamp(now + 90_000) })).toMatchObject({
      status: "skew",
    });
    expect(await pushOne(replica, { op: "put", key: "a", value: 1, hlc: stamp(now + 30_000) })).toMatchObject({
      status: "applied",
    });
  });
});

describe("a write by the value that is believed to be there", () => {
  it.each([
    ["live", { value: { x: 1.0 } }, "applied"],
    ["live", { value: { x: 2 } }, "conflict"],
    ["live", { value: null }, "conflict"],
    ["live", null, "conflict"],
    ["dead", null, "applied"],
    ["dead", { value: null }, "conflict"],
    ["none", null, "applied"],
    ["none", { value: 1 }, "conflict"],
  ])("%s, believed to be %j: %s", async (key, assumed, status) => {
    const { replica } = await withRecords();
    expect(await pushOne(replica, { op: "put", key, value: "new", assumed })).toMatchObject({ status });
  });

  it("deletes what is as believed", async () => {
    const { replica } = await withRecords();
    expect(await pushOne(replica, { op: "delete", key: "live", assumed: { value: 1 } })).toMatchObject({
      status: "conflict",
    });
    expect(await pushOne(replica, { op: "delete", key: "live", assumed: { value: { x: 1 } } })).toMatchObject({
      status: "applied",
      version: 3,
    });
  });
});

describe("a merge", () => {
  it("changes parts of what is there, and makes a record of it where none ever was", async () => {
    const { replica } = await withRecords();
    await pushOne(replica, { op: "merge", key: "live", value: { x: null, y: { z: 1 } } });
    await pushOne(replica, { op: "merge", key: "none", value: { a: null, b: 1 } });
    const { changes } = await page(replica.pull(null, 10));
    expect(changes).toContainEqual(expect.objectContaining({ key: "live", value: { y: { z: 1 } } }));
    expect(changes).toContainEqual(expect.objectContaining({ key: "none", value: { b: 1 } }));
  });

  it("does not bring back what was deleted", async () => {
    const { replica } = await withRecords();
    expect(await pushOne(replica, { op: "merge", key: "dead", value: { a: 1 } })).toMatchObject({
      status: "conflict",
      current: { deleted: true },
    });
  });

  it("is rejected when the result would be too large, unless what is there is larger still", async () => {
    const { replica, store } = await both({ limits: { maxValueBytes: 100 } });
    await store.records.put("a", { text: "x".repeat(80) });
    await store.records.put("b", { text: "x".repeat(200) });
    const more = { more: "x".repeat(40) };
    expect(await pushOne(replica, { op: "merge", key: "a", value: more })).toEqual({
      id: 1,
      status: "rejected",
      why: "too-large",
    });
    expect(await pushOne(replica, { op: "merge", key: "b", value: more })).toMatchObject({ status: "rejected" });
    expect(await pushOne(replica, { op: "merge", key: "b", value: { text: "x".repeat(60) } })).toMatchObject({
      status: "applied",
    });
  });
});
