import { expect, it, vi } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeKvConditional(store: OpenStore): void {
  it("counts from 0, by 1 or by any finite number, exactly", async () => {
    const { kv } = store();
    expect(await kv.increment("c/count")).toBe(1);
    expect(await kv.increment("c/count", 41)).toBe(42);
    expect(await kv.increment("c/count", -43)).toBe(-1);
    expect(await kv.increment("c/count", 0)).toBe(-1);
    expect(await kv.get("c/count")).toBe(-1);
    expect(await kv.increment("c/tenth", 0.1)).toBe(0.1);
    expect(await kv.increment("c/tenth", 0.2)).toBe(0.3);
    expect(await kv.increment("c/tenth", 0.7)).toBe(1);
    expect(await kv.get("c/tenth")).toBe(1);
    expect(await kv.increment("c/small", 5e-324)).toBe(5e-324);
  });

  it("adds to a number that was set, and counts on after a delete from 0", async () => {
    const { kv } = store();
    await kv.set("c/set", 2.5);
    expect(await kv.increment("c/set", 1.5)).toBe(4);
    await kv.delete("c/set");
    expect(await kv.increment("c/set", 7)).toBe(7);
  });

  it("loses none of 64 simultaneous increments", async () => {
    const { kv } = store();
    const sums = await Promise.all(Array.from({ length: 64 }, () => kv.increment("c/busy")));
    expect(sums.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    expect(await kv.get("c/busy")).toBe(64);
  });

  it("refuses to add to what is no number, and to go where numbers are not exact", async () => {
    const { kv } = store();
    for (const value of [null, "1", true, [1], {}, new Uint8Array([1])]) {
      await kv.set("c/text", value);
      const failure = await failureOf(kv.increment("c/text"));
      expect(failure).toBeInstanceOf(ValidationError);
      expect(failure).toMatchObject({ code: "validation", outcome: "rejected" });
      expect(await kv.get("c/text")).toEqual(value);
    }
    await kv.set("c/edge", Number.MAX_SAFE_INTEGER - 1);
    expect(await kv.increment("c/edge")).toBe(Number.MAX_SAFE_INTEGER);
    for (const by of [1, 0.5]) {
      expect(await failureOf(kv.increment("c/edge", by))).toMatchObject({ code: "validation", outcome: "rejected" });
    }
    expect(await kv.increment("c/edge", -Number.MAX_SAFE_INTEGER)).toBe(0);
    expect(await kv.increment("c/edge", -Number.MAX_SAFE_INTEGER)).toBe(-Number.MAX_SAFE_INTEGER);
    expect(await failureOf(kv.increment("c/edge", -1))).toMatchObject({ outcome: "rejected" });
  });

  it("gives a counter its life with the first call, and lets it begin again when that is over", async () => {
    const { kv } = store();
    const expiry = async () => (await kv.list({ prefix: "c/window" }))[0]?.expiresAt;
    await kv.increment("c/window", 1, { ttl: 600_000 });
    const first = await expiry();
    expect(first).toBeInstanceOf(Date);
    await kv.increment("c/window", 1, { ttl: 1 });
    await kv.increment("c/window");
    expect(await expiry()).toEqual(first);
    await kv.set("c/window", 9, { ttl: 1 });
    await vi.waitFor(async () => expect(await kv.has("c/window")).toBe(false));
    expect(await kv.increment("c/window", 2)).toBe(2);
    expect(await expiry()).toBeUndefined();
  });

  it("sets what is absent, once, whatever the value", async () => {
    const { kv } = store();
    for (const [index, value] of [null, false, 0, "", {}, new Uint8Array()].entries()) {
      const key = `c/absent/${index}`;
      expect(await kv.setIfAbsent(key, value)).toBe(true);
      expect(await kv.setIfAbsent(key, "other")).toBe(false);
      expect(await kv.get(key)).toEqual(value);
    }
    await kv.delete("c/absent/0");
    expect(await kv.setIfAbsent("c/absent/0", "again", { ttl: 1 })).toBe(true);
    await vi.waitFor(async () => expect(await kv.setIfAbsent("c/absent/0", "later")).toBe(true));
    expect(await kv.get("c/absent/0")).toBe("later");
  });

  it("lets one of sixteen set what is absent, and one of sixteen swap", async () => {
    const { kv } = store();
    const sixteen = Array.from({ length: 16 }, (_, i) => i + 1);
    const set = await Promise.all(sixteen.map((i) => kv.setIfAbsent("c/race", { by: i })));
    expect(set.filter(Boolean)).toHaveLength(1);
    const expected = await kv.get("c/race");
    expect(expected).toEqual({ by: set.indexOf(true) + 1 });
    const swapped = await Promise.all(sixteen.map((i) => kv.compareAndSet("c/race", expected, i)));
    expect(swapped.filter(Boolean)).toHaveLength(1);
    expect(await kv.get("c/race")).toBe(swapped.indexOf(true) + 1);
  });

  it("swaps what equals the expected value as JSON", async () => {
    const { kv } = store();
    const swap = (expected: unknown, next: unknown) => kv.compareAndSet("c/swap", expected, next);
    expect(await swap(null, 1)).toBe(false);
    expect(await kv.has("c/swap")).toBe(false);
    expect(await swap(undefined, { a: 1, b: [1, null] })).toBe(true);
    expect(await swap(undefined, 2)).toBe(false);
    expect(await swap({ a: 1, b: [null, 1] }, 2)).toBe(false);
    expect(await swap({ b: [1, null], a: 1 }, null)).toBe(true);
    for (const other of [undefined, false, 0, "", "null", {}, new Uint8Array()])
      expect(await swap(other, 9)).toBe(false);
    expect(await swap(null, Uint8Array.of(0, 255, 128))).toBe(true);
    expect(await swap("AP+A", 1)).toBe(false);
    expect(await swap(Uint8Array.of(0, 255), 1)).toBe(false);
    expect(await swap(Uint8Array.of(0, 255, 128), "AP+A")).toBe(true);
    expect(await swap(Uint8Array.of(0, 255, 128), 1)).toBe(false);
    expect(await swap("AP+A", new Uint8Array())).toBe(true);
    expect(await swap("", 1)).toBe(false);
    expect(await swap(new Uint8Array(), "end")).toBe(true);
    expect(await kv.get("c/swap")).toBe("end");
  });

  it("swaps with a new life, and takes an expired value for absent", async () => {
    const { kv } = store();
    await kv.set("c/life", 1, { ttl: 600_000 });
    expect(await kv.compareAndSet("c/life", 1, 2)).toBe(true);
    expect((await kv.list({ prefix: "c/life" }))[0]).not.toHaveProperty("expiresAt");
    expect(await kv.compareAndSet("c/life", 2, 3, { ttl: 1 })).toBe(true);
    await vi.waitFor(async () => expect(await kv.has("c/life")).toBe(false));
    expect(await kv.compareAndSet("c/life", 3, 4)).toBe(false);
    expect(await kv.compareAndSet("c/life", undefined, 5)).toBe(true);
    expect(await kv.get("c/life")).toBe(5);
  });

  it("sweeps what expired and nothing else", async () => {
    const { kv } = store();
    await vi.waitFor(async () => expect(await kv.sweep()).toBe(0));
    await kv.setMany([["s/stays", 1], { key: "s/later", value: 1, ttl: 600_000 }]);
    await kv.setMany(["s/1", "s/2", "s/3"].map((key) => ({ key, value: key, ttl: 1 })));
    await vi.waitFor(async () => expect(await kv.list({ prefix: "s/" })).toHaveLength(2));
    expect(await kv.sweep({ limit: 2 })).toBe(2);
    expect(await kv.sweep({ limit: 2 })).toBe(1);
    expect(await kv.sweep()).toBe(0);
    expect((await kv.list({ prefix: "s/" })).map(({ key }) => key)).toEqual(["s/later", "s/stays"]);
    expect(await kv.setIfAbsent("s/1", "again")).toBe(true);
    expect(await kv.get("s/1")).toBe("again");
  });

  it("tells listeners of what was written, and of nothing else", async () => {
    const { kv, on } = store();
    const heard: string[] = [];
    const off = on("kv:*", (event) => heard.push(`${event.type} ${event.key}`));
    await kv.increment("c/heard/1");
    await kv.setIfAbsent("c/heard/1", 2);
    await kv.setIfAbsent("c/heard/2", "x");
    await kv.compareAndSet("c/heard/2", "y", "z");
    await kv.compareAndSet("c/heard/2", "x", "z");
    await failureOf(kv.increment("c/heard/2"));
    off();
    expect(heard).toEqual(["kv:set c/heard/1", "kv:set c/heard/2", "kv:set c/heard/2"]);
  });
}
