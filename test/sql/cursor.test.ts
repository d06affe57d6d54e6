import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { cursorPlace, decodeCursor, encodeCursor, type LanePosition, type Position } from "../../src/sql/cursor.ts";

const seq = fc.bigInt(0n, 2n ** 63n - 1n).map(String);
const lane: fc.Arbitrary<LanePosition> = fc.oneof(fc.tuple(fc.nat(63), seq), fc.tuple(fc.nat(63), seq, seq));
const positions: fc.Arbitrary<Required<Position>> = fc.record({
  kind: fc.constantFrom("sync", "events"),
  store: fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
  epoch: fc.option(fc.uuid()),
  lanes: fc.uniqueArray(lane, { selector: ([number]) => number, maxLength: 64 }),
  scope: fc.string({ unit: "grapheme", maxLength: 40 }),
});

describe("a cursor", () => {
  it("comes back as it was made, for any store and position", () => {
    fc.assert(
      fc.property(positions, (position) => {
        const cursor = encodeCursor(position);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeCursor(cursor, position.kind, position.store)).toEqual(position);
      }),
    );
  });

  it("with 64 lanes at the largest numbers stays below its own limit", () => {
    const largest = String(2n ** 63n - 1n);
    const lanes = Array.from({ length: 64 }, (_, number) => [number, largest, largest] as const);
    const names = { store: "é".repeat(64), scope: "\u0001".repeat(1024) };
    const position = { kind: "events", epoch: crypto.randomUUID(), lanes, ...names } as const;
    expect(decodeCursor(encodeCursor(position), position.kind, position.store)).toEqual(position);
  });

  it("without a scope is as it was when there were none", () => {
    const content = { v: 1, k: "sync", e: null, p: [[0, "1"]], s: "s" };
    const cursor = btoa(JSON.stringify(content)).replace(/=+$/, "");
    expect(decodeCursor(cursor, "sync", "s")).toMatchObject({ lanes: [[0, "1"]], scope: "" });
    expect(encodeCursor({ kind: "sync", store: "s", epoch: null, lanes: [[0, "1"]] })).toBe(cursor);
  });

  it("tells how far it has got in each lane, whatever store it is of", () => {
    const lanes = [
      [0, "12"],
      [3, "0", "9"],
    ] as const;
    expect(cursorPlace(encodeCursor({ kind: "sync", store: "any", epoch: null, lanes })).lanes).toEqual([
      [0, "12"],
      [3, "0"],
    ]);
    expect(() => cursorPlace(encodeCursor({ kind: "events", store: "any", epoch: null, lanes }))).toThrow(
      ValidationError,
    );
    expect(() => cursorPlace("?")).toThrow(ValidationError);
  });

  it("is refused when any of its characters is lost", () => {
    const cursor = encodeCursor({ kind: "sync", store: "s", epoch: crypto.randomUUID(), lanes: [[0, "12"]] });
    for (let at = 0; at < cursor.length; at++) {
      const damaged = cursor.slice(0, at) + cursor.slice(at + 1);
      expect(() => decodeCursor(damaged, "sync", "s")).toThrow(ValidationError);
    }
  });

  it.each([
    ["another version", { v: 2, k: "sync", e: null, p: [], s: "s" }],
    ["another kind", { v: 1, k: "events", e: null, p: [], s: "s" }],
    ["no kind", { v: 1, e: null, p: [], s: "s" }],
    ["another store", { v: 1, k: "sync", e: null, p: [], s: "t" }],
    ["an epoch that is none", { v: 1, k: "sync", e: "x", p: [], s: "s" }],
    [
      "a lane twice",
      {
        v: 1,
        k: "sync",
        e: null,
        p: [
          [0, "1"],
          [0, "2"],
        ],
        s: "s",
      },
    ],
    ["a lane beyond 63", { v: 1, k: "sync", e: null, p: [[64, "1"]], s: "s" }],
    ["a number beyond 64 bits", { v: 1, k: "sync", e: null, p: [[0, "9223372036854775808"]], s: "s" }],
    ["a seq that is no text", { v: 1, k: "sync", e: null, p: [[0, 1]], s: "s" }],
    ["a floor that is no text", { v: 1, k: "sync", e: null, p: [[0, "1", 1]], s: "s" }],
    ["a lane with too much", { v: 1, k: "sync", e: null, p: [[0, "1", "1", "1"]], s: "s" }],
    ["a scope that is no text", { v: 1, k: "sync", e: null, p: [], s: "s", c: 1 }],
    ["no object", null],
  ])("is refused with %s", (_, content) => {
    expect(() => decodeCursor(btoa(JSON.stringify(content)).replace(/=+$/, ""), "sync", "s")).toThrow(ValidationError);
  });

  it.each(["", "a b", "=", "é", "A".repeat(16_385)])("is refused when it is no base64url: %j", (text) => {
    expect(() => decodeCursor(text, "sync", "s")).toThrow(ValidationError);
  });
});
