import { beforeEach, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import type { Driver } from "../../src/driver.ts";
import { CapabilityError, ValidationError } from "../../src/errors.ts";
import type { RecordStore } from "../../src/stores/records.ts";
import { encodeSearchCursor } from "../../src/stores/search-cursor.ts";
import type { StandardSchema } from "../../src/stores/standard-schema.ts";

const cycle: unknown[] = [];
cycle.push({ cycle });
const hole: unknown[] = [];
hole[1] = "not at 0";

const badKeys: readonly unknown[] = [
  "",
  "a\0b",
  "\ud800",
  "\ufeffa",
  "x".repeat(1025),
  "é".repeat(513),
  5,
  null,
  undefined,
];
const badValues = [
  undefined,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  1n,
  () => 1,
  Symbol("s"),
  "a\0",
  "\udc00",
  cycle,
  hole,
  new Map(),
  { a: { b: undefined } },
];
const badLimits: readonly unknown[] = [0, -1, 1.5, 1001, 1e9, Number.NaN, "5", null];
const badVersions: readonly unknown[] = [-1, 1.5, Number.NaN, "1", "none", null, 2 ** 53];
const badLists: readonly unknown[] = [
  undefined,
  null,
  "ab",
  5,
  { length: 1 },
  new Set(["a"]),
  Array(1001).fill("a"),
  [undefined],
  hole,
];
const badLanguages: readonly unknown[] = ["", "English", "pg_catalog.simple", "a'b", "a-b", "x".repeat(64), 5, null];
const badCursors = [
  "",
  "not a cursor",
  "e30",
  "x".repeat(10_000),
  encodeSearchCursor({ rank: Number.NaN, key: "a" }, "s"),
  encodeSearchCursor({ rank: 1, key: "" }, "s"),
  encodeSearchCursor({ rank: 1, key: "a" }, "another store"),
];

/** What is refused, by the call that refuses it. */
const refusals: Readonly<Record<string, (records: RecordStore) => readonly (() => Promise<unknown>)[]>> = {
  "putMany refuses bad lists": (records) => badLists.map((list) => () => records.putMany(list as [])),
  "putMany refuses bad entries": (records) =>
    [null, "a", 5, []].map((entry) => () => records.putMany([{ key: "a", value: 1 }, entry] as unknown as [])),
  "putMany refuses bad keys": (records) =>
    badKeys.map(
      (key) => () =>
        records.putMany([
          { key: "a", value: 1 },
          { key: key as string, value: 1 },
        ]),
    ),
  "putMany refuses bad values": (records) =>
    badValues.map(
      (value) => () =>
        records.putMany([
          { key: "a", value: 1 },
          { key: "b", value },
        ]),
    ),
  "putMany refuses bad expectations": (records) =>
    badVersions.map((version) => () => records.putMany([{ key: "a", value: 1, expectedVersion: version as number }])),
  "putMany refuses more than 1 MiB in a value and 8 MiB in a call": (records) => [
    () => records.putMany([{ key: "a", value: "é".repeat(600_000) }]),
    () => records.putMany(Array.from({ length: 9 }, (_, i) => ({ key: `a${i}`, value: "x".repeat(1_000_000) }))),
  ],
  "getMany refuses bad lists": (records) => badLists.map((list) => () => records.getMany(list as [])),
  "getMany refuses bad keys": (records) => badKeys.map((key) => () => records.getMany(["a", key as string])),
  "deleteMany refuses bad lists": (records) => badLists.map((list) => () => records.deleteMany(list as [])),
  "deleteMany refuses bad keys": (records) => badKeys.map((key) => () => records.deleteMany(["a", key as string])),
  "patch refuses bad keys": (records) => badKeys.map((key) => () => records.patch(key as string, {})),
  "patch refuses bad patches": (records) => badValues.map((value) => () => records.patch("a", { a: value })),
  "patch refuses bad expectations": (records) =>
    [...badVersions, 0, "absent"].map(
      (version) => () => records.patch("a", {}, { expectedVersion: version as number }),
    ),
  "patch refuses what is large or deep": (records) => [
    () => records.patch("a", { a: "x".repeat(1024 * 1024) }),
    () => records.patch("a", JSON.parse(`${'{"a":'.repeat(65)}1${"}".repeat(65)}`)),
    () => records.patch("a", JSON.parse(`${'{"a":'.repeat(999)}1${"}".repeat(999)}`)),
  ],
  "list refuses bad limits": (records) => badLimits.map((limit) => () => records.list({ limit: limit as number })),
  "list refuses bad limits with a predicate": (records) =>
    badLimits.map((limit) => () => records.list({ limit: limit as number, filter: () => true })),
  "list refuses bad filters": (records) =>
    ["a", 5, true, null, 1n, ...badValues.filter((value) => typeof value === "object")].map(
      (filter) => () => records.list({ filter: filter as object }),
    ),
  "list refuses bad members of a filter": (records) => badValues.map((a) => () => records.list({ filter: { a } })),
  "search refuses bad texts": (records) => badKeys.map((text) => () => records.search(text as string)),
  "search refuses bad limits": (records) =>
    badLimits.map((limit) => () => records.search("a", { limit: limit as number })),
  "search refuses bad languages": (records) =>
    badLanguages.map((language) => () => records.search("a", { language: language as string })),
  "search refuses bad cursors": (records) => badCursors.map((after) => () => records.search("a", { after })),
  "createSearchIndex refuses bad languages": (records) =>
    badLanguages.map((language) => () => records.createSearchIndex({ language: language as string })),
  "dropSearchIndex refuses bad languages": (records) =>
    badLanguages.map((language) => () => records.dropSearchIndex({ language: language as string })),
  "typed refuses what is no schema of version 1": (records) =>
    [null, "a", 5, {}, { "~standard": {} }, { "~standard": { version: 2, validate: () => ({ value: 1 }) } }].map(
      (schema) => async () => records.typed(schema as unknown as StandardSchema),
    ),
  "typed refuses what is none after validation either": (records) => {
    const typed = records.typed(passing);
    return [
      ...badLists.map((list) => () => typed.putMany(list as [])),
      ...badKeys.map((key) => () => typed.put(key as string, 1)),
      ...badValues.map((value) => () => typed.put("a", value)),
      ...badKeys.map((key) => () => typed.getMany([key as string])),
      ...badLimits.map((limit) => () => typed.list({ limit: limit as number })),
      ...badCursors.map((after) => () => typed.search("a", { after })),
    ];
  },
};

const passing: StandardSchema = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };

describe("before anything is sent", () => {
  const calls: string[] = [];
  beforeEach(() => {
    calls.length = 0;
  });
  const untouched: Driver = {
    name: "untouched",
    query: ({ text }) => Promise.reject(new Error(`called: ${calls.push(text)}`)),
    batch: () => Promise.reject(new Error(`called: ${calls.push("batch")}`)),
    close: async () => undefined,
  };

  function open(): Promise<Store> {
    return createStore("untouched", { driver: untouched });
  }

  for (const [name, casesOf] of Object.entries(refusals)) {
    it(name, async () => {
      const { records } = await open();
      for (const [index, send] of casesOf(records).entries()) {
        const failure = await Promise.resolve()
          .then(send)
          .catch((error: unknown) => error);
        expect(failure, `case ${index}`).toBeInstanceOf(ValidationError);
        expect(failure, `case ${index}`).toMatchObject({ code: "validation", outcome: "not-sent" });
      }
      expect(calls).toEqual([]);
    });
  }

  it("a patch behind a schema is refused", async () => {
    const { records } = await open();
    await expect(records.typed(passing).patch("a", {})).rejects.toBeInstanceOf(CapabilityError);
    expect(calls).toEqual([]);
  });

  it("messages name the place and never show the value", async () => {
    const { records } = await open();
    const entries = [
      { key: "a", value: 1 },
      { key: "secret-key", value: { list: [{ secret: 2 ** 60 }] } },
    ];
    await expect(records.putMany(entries)).rejects.toThrow(
      /^records\.putMany: entries\[1\]\.value\.list\[0\]\.secret is/,
    );
    await expect(records.getMany(["a", "secret\0"])).rejects.toThrow(/^records\.getMany: keys\[1\] contains NUL/);
    await expect(records.patch("a", { b: Number.NaN })).rejects.toThrow(/^records\.patch: patch\.b is NaN/);
    await expect(records.list({ filter: { b: undefined } })).rejects.toThrow(/^records\.list: filter\.b is undefined/);
  });
});
