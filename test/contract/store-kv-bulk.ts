import { expect, it, vi } from "vitest";
import { earthquakes } from "../fixtures/earthquakes.ts";
import type { OpenStore } from "./store.ts";

const values = [null, false, true, 0, -1.5, "", "text", [], {}, { a: [null, { b: "" }] }, new Uint8Array()];

export function describeKvBulk(store: OpenStore): void {
  it("sets many entries and gives them back in the order of the keys, undefined for none", async () => {
    const { kv } = store();
    await kv.setMany(values.map((value, i) => [`b/value/${i}`, value]));
    const keys = values.map((_, i) => `b/value/${i}`);
    expect(await kv.getMany(keys.toReversed())).toEqual(values.toReversed());
    expect(await kv.getMany(["b/none", "b/value/0", "b/value/0"])).toEqual([undefined, null, null]);
    expect(await kv.getMany([])).toEqual([]);
  });

  it("gives bytes back as bytes, and lives to those that have one", async () => {
    const { kv } = store();
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256);
    await kv.setMany(
      [
        { key: "b/ttl/own", value: bytes, ttl: 600_000 },
        { key: "b/ttl/common", value: "AP+A" },
        ["b/ttl/pair", Uint8Array.of(0, 255, 128)],
      ],
      { ttl: 60_000 },
    );
    expect(await kv.getMany(["b/ttl/own", "b/ttl/common", "b/ttl/pair"])).toEqual([
      bytes,
      "AP+A",
      Uint8Array.of(0, 255, 128),
    ]);
    const lives = (await kv.list({ prefix: "b/ttl/" })).map(
      ({ expiresAt, updatedAt }) => (expiresAt?.getTime() ?? 0) - updatedAt.getTime(),
    );
    expect(lives.map((life) => Math.round(life / 10_000))).toEqual([6, 60, 6]);
  });

  it("writes the last of several entries with one key, once", async () => {
    const { kv } = store();
    await kv.setMany([["b/twice", 1], { key: "b/twice", value: 2, ttl: 600_000 }, ["b/twice", 3]]);
    expect(await kv.list({ prefix: "b/twice" })).toEqual([
      { key: "b/twice", value: 3, version: 1, updatedAt: expect.any(Date) },
    ]);
    await kv.setMany([["b/twice", 4]]);
    expect(await kv.list({ prefix: "b/twice" })).toMatchObject([{ value: 4, version: 2 }]);
  });

  it("takes a thousand entries, also from several callers who have them in different orders", async () => {
    const { kv } = store();
    const entries = Array.from(
      { length: 1000 },
      (_, i) => [`b/thousand/${i}`, earthquakes[i % earthquakes.length]] as const,
    );
    await Promise.all([entries, entries.toReversed(), entries.toSorted()].map((order) => kv.setMany(order)));
    expect(await kv.getMany(entries.map(([key]) => key))).toEqual(entries.map(([, value]) => value));
    const keys = entries.map(([key]) => key);
    const deleted = await Promise.all([kv.deleteMany(keys), kv.deleteMany(keys.toReversed())]);
    expect(deleted.reduce((sum, count) => sum + count)).toBe(1000);
    expect(await kv.list({ prefix: "b/thousand/" })).toEqual([]);
  });

  it("deletes what is there and says how many that were", async () => {
    const { kv } = store();
    await kv.setMany([["b/gone/1", null], ["b/gone/2", 2], { key: "b/gone/3", value: 3, ttl: 0.001 }]);
    // PGlite's clock moves by milliseconds: the last one may be there for a moment.
    await vi.waitFor(async () => expect(await kv.has("b/gone/3")).toBe(false));
    expect(await kv.deleteMany(["b/gone/2", "b/gone/none", "b/gone/1", "b/gone/2", "b/gone/3"])).toBe(2);
    expect(await kv.deleteMany(["b/gone/1", "b/gone/2"])).toBe(0);
    expect(await kv.deleteMany([])).toBe(0);
    expect(await kv.getMany(["b/gone/1", "b/gone/2", "b/gone/3"])).toEqual([undefined, undefined, undefined]);
  });

  it("keeps keys of any text", async () => {
    const { kv } = store();
    const keys = ["b/'\"\\$1", "b/\u2028 😀", "b/\ufeff", "b/__proto__", "b/é", "b/e\u0301"];
    await kv.setMany(keys.map((key) => [key, key]));
    expect(await kv.getMany(keys)).toEqual(keys);
    expect(await kv.deleteMany(keys)).toBe(keys.length);
  });

  it("tells listeners of each entry that was written or deleted", async () => {
    const { kv, on } = store();
    const heard: string[] = [];
    const off = on("kv:*", (event) => heard.push(`${event.type} ${event.key}`));
    await kv.setMany([
      ["b/heard/2", 1],
      ["b/heard/1", 1],
      ["b/heard/2", 2],
    ]);
    await kv.deleteMany(["b/heard/2", "b/heard/none", "b/heard/1"]);
    off();
    expect(heard).toEqual(["kv:set b/heard/2", "kv:set b/heard/1", "kv:delete b/heard/1", "kv:delete b/heard/2"]);
  });
}
