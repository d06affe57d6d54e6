import { describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { ValidationError } from "../../src/errors.ts";
import { failureOf } from "../contract/store.ts";
import { refusingStore } from "./refusing-store.ts";

type Call = (kv: Store["kv"]) => Promise<unknown>;

/** What no caller's types allow, as a caller without types would give it. */
const untyped = (value: unknown) => value as never;

const cycle: unknown[] = [];
cycle.push(cycle);
const keys = ["", "a\0b", "\ud800", "\ufeffa", "x".repeat(1025), 7, null, undefined, {}];
const values = [
  undefined,
  Number.NaN,
  2 ** 53,
  1n,
  cycle,
  { a: undefined },
  "\ud800",
  "a\0",
  () => 1,
  new Map(),
  "x".repeat(1024 * 1024),
];
const ttls = [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e15, "5", null];
const lists = ["ab", null, undefined, {}, new Set(["a"]), Array.from({ length: 1001 }, (_, i) => `k${i}`)];

const refused: readonly (readonly [string, Call])[] = [
  ...each("key", keys, (key) => [
    (kv) => kv.getMany(["a", key]),
    (kv) => kv.deleteMany(["a", key]),
    (kv) =>
      kv.setMany([
        ["a", 1],
        [key, 1],
      ]),
    (kv) => kv.setMany([{ key, value: 1 }]),
    (kv) => kv.increment(key),
    (kv) => kv.setIfAbsent(key, 1),
    (kv) => kv.compareAndSet(key, 1, 2),
  ]),
  ...each("value", values, (value) => [
    (kv) =>
      kv.setMany([
        ["a", 1],
        ["b", value],
      ]),
    (kv) => kv.setMany([{ key: "b", value }]),
    (kv) => kv.setIfAbsent("a", value),
    (kv) => kv.compareAndSet("a", 1, value),
    ...(value === undefined ? [] : [(kv: Store["kv"]) => kv.compareAndSet("a", value, 1)]),
  ]),
  ...each("ttl", ttls, (ttl) => [
    (kv) => kv.setMany([["a", 1]], { ttl }),
    (kv) => kv.setMany([{ key: "a", value: 1, ttl }]),
    (kv) => kv.increment("a", 1, { ttl }),
    (kv) => kv.setIfAbsent("a", 1, { ttl }),
    (kv) => kv.compareAndSet("a", 1, 2, { ttl }),
  ]),
  ...each("list", lists, (list) => [(kv) => kv.getMany(list), (kv) => kv.deleteMany(list), (kv) => kv.setMany(list)]),
  ...each("entry", ["ab", 7, null, undefined, ["a"], ["a", 1, 2], {}], (entry) => [(kv) => kv.setMany([entry])]),
  ...each("summand", [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", null, 1n], (by) => [
    (kv) => kv.increment("a", by),
  ]),
  ...each("limit", [0, -1, 1.5, 1e9, Number.NaN, "7", null], (limit) => [(kv) => kv.sweep({ limit })]),
  ["more than 8 MiB", (kv) => kv.setMany(Array.from({ length: 9 }, (_, i) => [`k${i}`, "x".repeat(1_000_000)]))],
  ["more than 8 MiB of UTF-8", (kv) => kv.setMany(Array.from({ length: 9 }, (_, i) => [`k${i}`, "é".repeat(500_000)]))],
  ["holes in a list", (kv) => kv.getMany(new Array(2))],
];

describe("kv refuses before anything is sent", () => {
  it.each(refused)("%s", async (_, call) => {
    const failure = await failureOf(call((await refusingStore()).kv));
    expect(failure).toBeInstanceOf(ValidationError);
    expect(failure).toMatchObject({ code: "validation", outcome: "not-sent" });
  });

  it("says which of the entries it is, and does not show it", async () => {
    const { kv } = await refusingStore();
    const failure = await failureOf(kv.setMany([["a", 1], { key: "b", value: { secret: [Number.NaN] } }]));
    expect(failure).toMatchObject({ message: expect.stringContaining("entries[1].value.secret[0] is NaN") });
  });

  it("sends nothing for an empty list", async () => {
    const { kv } = await refusingStore();
    expect(await kv.getMany([])).toEqual([]);
    expect(await kv.deleteMany([])).toBe(0);
    expect(await kv.setMany([])).toBeUndefined();
  });
});

function each(
  what: string,
  bad: readonly unknown[],
  calls: (value: never) => readonly Call[],
): readonly (readonly [string, Call])[] {
  return bad.flatMap((value, row) =>
    calls(untyped(value)).map((call, i) => [`${what} ${row}: ${typeof value}, call ${i}`, call] as const),
  );
}
