import { expect, it, vi } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import type { OpenStore } from "./store.ts";

export function describeKv(store: OpenStore): void {
  it("gives back every kind of value, and undefined for none", async () => {
    const { kv } = store();
    const values = [null, false, true, 0, -1.5, "", "text", [], {}, { a: [null, { b: "" }] }];
    for (const [index, value] of values.entries()) {
      await kv.set(`k/value/${index}`, value);
      expect(await kv.get(`k/value/${index}`)).toEqual(value);
      expect(await kv.has(`k/value/${index}`)).toBe(true);
    }
    expect(await kv.get("k/missing")).toBeUndefined();
    expect(await kv.has("k/missing")).toBe(false);
  });

  it("gives bytes back as bytes", async () => {
    const { kv } = store();
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) % 256);
    for (const value of [new Uint8Array(), Uint8Array.of(0, 255, 128), bytes]) {
      await kv.set("k/bytes", value);
      const stored = await kv.get("k/bytes");
      expect(stored).toBeInstanceOf(Uint8Array);
      expect(stored).toEqual(value);
    }
    await kv.set("k/bytes", "AP+A");
    expect(await kv.get("k/bytes")).toBe("AP+A");
  });

  it("says whether there was something to delete", async () => {
    const { kv } = store();
    await kv.set("k/gone", null);
    expect(await kv.delete("k/gone")).toBe(true);
    expect(await kv.delete("k/gone")).toBe(false);
    expect(await kv.get("k/gone")).toBeUndefined();
  });

  it("lists entries in key order with what is known of them", async () => {
    const { kv } = store();
    await kv.set("k/list/b", 2);
    await kv.set("k/list/a", Uint8Array.of(1), { ttl: 600_000 });
    await kv.set("k/list/b", 3);
    expect(await kv.list({ prefix: "k/list/" })).toEqual([
      {
        key: "k/list/a",
        value: Uint8Array.of(1),
        version: 1,
        updatedAt: expect.any(Date),
        expiresAt: expect.any(Date),
      },
      { key: "k/list/b", value: 3, version: 2, updatedAt: expect.any(Date) },
    ]);
    expect(await kv.list({ prefix: "k/list/", after: "k/list/a", limit: 1 })).toMatchObject([{ value: 3 }]);
  });

  it("takes an expired entry for absent everywhere", async () => {
    const { kv } = store();
    await kv.set("k/short", "x", { ttl: 1 });
    await vi.waitFor(async () => expect(await kv.get("k/short")).toBeUndefined());
    expect(await kv.has("k/short")).toBe(false);
    expect(await kv.list({ prefix: "k/short" })).toEqual([]);
    expect(await kv.delete("k/short")).toBe(false);
    await kv.set("k/short", "y");
    expect(await kv.get("k/short")).toBe("y");
  });

  it("gives an entry its life anew with each set", async () => {
    const { kv } = store();
    await kv.set("k/life", 1, { ttl: 600_000 });
    const [first] = await kv.list({ prefix: "k/life" });
    expect((first?.expiresAt?.getTime() ?? 0) - (first?.updatedAt.getTime() ?? 0)).toBeGreaterThanOrEqual(599_999);
    await kv.set("k/life", 2);
    const [second] = await kv.list({ prefix: "k/life" });
    expect(second).not.toHaveProperty("expiresAt");
  });

  it("refuses a life that is none", async () => {
    for (const ttl of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e15]) {
      await expect(store().kv.set("k/ttl", 1, { ttl })).rejects.toBeInstanceOf(ValidationError);
    }
    await expect(store().kv.set("k/ttl", undefined)).rejects.toThrow(/value is undefined/);
  });
}
