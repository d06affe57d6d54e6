import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sameJson, threeWayMerge } from "../../src/sync/three-way-merge.ts";

describe("threeWayMerge", () => {
  it.each([
    ["members of both sides", { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 1, b: 2 }, { a: 2, b: 2 }],
    ["members that are new", {}, { a: 1 }, { b: 1 }, { a: 1, b: 1 }],
    ["a member that was removed here", { a: 1, b: 1 }, { b: 1 }, { a: 1, b: 2 }, { b: 2 }],
    ["a member that was removed there", { a: 1, b: 1 }, { a: 1, b: 2 }, { b: 1 }, { b: 2 }],
    ["the same member: ours", { a: 1 }, { a: 2 }, { a: 3 }, { a: 2 }],
    ["objects in objects", { o: { a: 1 } }, { o: { a: 1, b: 1 } }, { o: { a: 1, c: 1 } }, { o: { a: 1, b: 1, c: 1 } }],
    ["arrays as a whole", { l: [1] }, { l: [1, 2] }, { l: [0, 1] }, { l: [1, 2] }],
    ["a null that is meant", { a: 1 }, { a: null }, { a: 1, b: 1 }, { a: null, b: 1 }],
    ["no object on one side", { a: 1 }, "text", { a: 2 }, "text"],
    ["no base", undefined, { a: 1 }, { a: 2, b: 2 }, { a: 1, b: 2 }],
  ])("merges %s", (_, base, local, remote, merged) => {
    expect(threeWayMerge(base, local, remote)).toEqual(merged);
  });

  it("takes members of any name", () => {
    const local = JSON.parse('{ "__proto__": 1 }');
    expect(JSON.stringify(threeWayMerge({}, local, { constructor: 2 }))).toBe('{"constructor":2,"__proto__":1}');
  });

  it("changes nothing where only one side has changed", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (base, other) => {
        expect(sameJson(threeWayMerge(base, other, base), other)).toBe(true);
        expect(sameJson(threeWayMerge(base, base, other), other)).toBe(true);
        expect(sameJson(threeWayMerge(base, other, other), other)).toBe(true);
      }),
    );
  });
});

describe("sameJson", () => {
  it("holds for a copy, in whatever order of members", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const turned = Object.fromEntries(Object.entries(object).toReversed());
        expect(sameJson(object, structuredClone(turned))).toBe(true);
        expect(sameJson(object, { ...object, "one more": 1 })).toBe(
          Object.hasOwn(object, "one more") && object["one more"] === 1,
        );
      }),
    );
  });

  it.each([
    [1, "1"],
    [null, undefined],
    [[], {}],
    [[1], [1, 2]],
    [{ a: 1 }, { b: 1 }],
    [{ a: undefined }, { b: 1 }],
  ])("tells %j from %j", (a, b) => {
    expect(sameJson(a, b)).toBe(false);
    expect(sameJson(b, a)).toBe(false);
  });
});
