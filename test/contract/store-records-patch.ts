import { expect, it } from "vitest";
import { ConflictError, NotFoundError, ValidationError } from "../../src/errors.ts";
import type { StoreEvent } from "../../src/stores/store-event.ts";
import { failureOf, type OpenStore } from "./store.ts";

/** RFC 7396, appendix A: original, patch, result. */
const examples: readonly (readonly [original: unknown, patch: unknown, result: unknown])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

export function describeRecordPatch(store: OpenStore): void {
  it("merges as the examples of RFC 7396 do", async () => {
    const { records } = store();
    for (const [index, [original, patch, result]] of examples.entries()) {
      const { version } = await records.put(`p/rfc-${index}`, original);
      const patched = await records.patch(`p/rfc-${index}`, patch);
      expect(patched).toEqual(await records.get(`p/rfc-${index}`));
      expect(patched, JSON.stringify([original, patch])).toMatchObject({
        value: result,
        version: version + Number(JSON.stringify(original) !== JSON.stringify(result)),
      });
    }
  });

  it("keeps a null that was there, and those in a new array", async () => {
    const { records } = store();
    await records.put("p/null", { kept: null, nested: { kept: null, gone: 1 } });
    const { value } = await records.patch("p/null", { nested: { gone: null }, list: [null, { a: null }] });
    expect(value).toEqual({ kept: null, nested: { kept: null }, list: [null, { a: null }] });
  });

  it("writes nothing when it makes no difference", async () => {
    const { records, on } = store();
    const put = await records.put("p/same", { a: 1, b: { c: [1, 2] } });
    const heard: StoreEvent[] = [];
    const off = on("record:*", (event) => heard.push(event));
    for (const patch of [{}, { a: 1 }, { missing: null }, { b: {} }, { b: { c: [1, 2], d: null } }]) {
      expect(await records.patch("p/same", patch)).toEqual(put);
      expect(await records.patch("p/same", patch, { expectedVersion: 1 })).toEqual(put);
    }
    off();
    expect(heard).toEqual([]);
  });

  it("needs a record", async () => {
    const { records } = store();
    expect(await failureOf(records.patch("p/missing", { a: 1 }))).toBeInstanceOf(NotFoundError);
    await records.put("p/deleted", { a: 1 });
    await records.delete("p/deleted");
    expect(await failureOf(records.patch("p/deleted", { a: 2 }))).toBeInstanceOf(NotFoundError);
    expect(await records.find("p/missing")).toBeUndefined();
    const expected = await failureOf(records.patch("p/deleted", { a: 2 }, { expectedVersion: 1 }));
    expect(expected).toMatchObject({ code: "conflict", currentVersion: 0 });
  });

  it("writes only when the expected version is there, and tells listeners", async () => {
    const { records, on } = store();
    await records.put("p/expect", { a: 1 });
    const heard: StoreEvent[] = [];
    const off = on("record:*", (event) => heard.push(event));
    const failure = await failureOf(records.patch("p/expect", { a: 1 }, { expectedVersion: 2 }));
    expect(failure).toBeInstanceOf(ConflictError);
    expect(failure).toMatchObject({ outcome: "rejected", currentVersion: 1, part: undefined });
    expect(await records.patch("p/expect", { b: 2 }, { expectedVersion: 1 })).toMatchObject({ version: 2 });
    expect(await records.patch("p/expect", { c: 3 }, { expectedVersion: "present" })).toMatchObject({ version: 3 });
    off();
    expect((await records.get("p/expect")).value).toEqual({ a: 1, b: 2, c: 3 });
    const of = { store: store().name, key: "p/expect" };
    expect(heard).toEqual([
      { type: "record:conflict", ...of, currentVersion: 1 },
      { type: "record:put", ...of, version: 2 },
      { type: "record:put", ...of, version: 3 },
    ]);
  });

  it("loses none of twenty patches that come at once", async () => {
    const { records } = store();
    await records.put("p/race", {});
    await Promise.all(Array.from({ length: 20 }, (_, i) => records.patch("p/race", { [`by-${i}`]: i })));
    const { value, version } = await records.get("p/race");
    expect(value).toEqual(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`by-${i}`, i])));
    expect(version).toBe(21);
  });

  it("merges sixty-four levels, and refuses what would make the record too large", async () => {
    const { records } = store();
    const deep = JSON.parse(`${'{"a":'.repeat(64)}1${"}".repeat(64)}`);
    await records.put("p/deep", { kept: true });
    expect((await records.patch("p/deep", deep)).value).toEqual({ kept: true, ...deep });

    const before = await records.put("p/large", { a: "x".repeat(900_000), b: 1 });
    const failure = await failureOf(records.patch("p/large", { b: "y".repeat(200_000) }));
    expect(failure).toBeInstanceOf(ValidationError);
    expect(failure).toMatchObject({
      outcome: "rejected",
      message: expect.stringContaining("larger than 1048576 bytes"),
    });
    expect(await records.get("p/large")).toEqual(before);
    expect((await records.patch("p/large", { a: null })).value).toEqual({ b: 1 });
  });
}
