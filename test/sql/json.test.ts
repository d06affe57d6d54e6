import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { toJson } from "../../src/sql/json.ts";

function refusal(value: unknown): string {
  try {
    toJson(value, "value");
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return (error as Error).message;
  }
  throw new Error("was accepted");
}

describe("toJson", () => {
  it("writes what JSON.stringify writes, for every value that JSON has", () => {
    const wellFormed = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
    const number = fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        number,
        wellFormed,
        fc.boolean(),
        fc.constant(null),
        tie("array"),
        tie("object"),
      ),
      array: fc.array(tie("value"), { maxLength: 5 }),
      object: fc.dictionary(wellFormed, tie("value"), { maxKeys: 5, noNullPrototype: false }),
    }));
    fc.assert(
      fc.property(value, (given) => {
        expect(toJson(given, "value")).toBe(JSON.stringify(given));
      }),
    );
  });

  it("names the path of what it refuses, and never the value", () => {
    expect(refusal({ items: [0, 1, 2, { price: Number.NaN }] })).toMatch(/^value\.items\[3\]\.price is NaN/);
    expect(refusal({ "a b": { c: undefined } })).toMatch(/^value\["a b"\]\.c is undefined/);
    expect(refusal([["secret", 10n]])).toMatch(/^value\[0\]\[1\] is a bigint/);
    expect(refusal({ card: "4111\0" })).not.toMatch(/4111/);
  });

  it("refuses what JSON would drop or change", () => {
    const holes: unknown[] = [1];
    holes[2] = 3;
    const cases: readonly [unknown, RegExp][] = [
      [undefined, /^value is undefined/],
      [{ a: [undefined] }, /^value\.a\[0\] is undefined/],
      [Number.POSITIVE_INFINITY, /is Infinity/],
      [Number.NEGATIVE_INFINITY, /is -Infinity/],
      [2 ** 53, /beyond 2\^53/],
      [-(2 ** 53), /beyond 2\^53/],
      [1e300, /beyond 2\^53/],
      [() => 1, /is a function/],
      [Symbol("x"), /is a symbol/],
      [{ [Symbol("x")]: 1 }, /symbol as a member name/],
      [holes, /^value\[1\] is a hole/],
      ["a\0b", /NUL/],
      ["\ud83d", /half a surrogate pair/],
      [{ "\udc00": 1 }, /^value has a member whose name/],
      [{ "a\0": 1 }, /^value has a member whose name/],
      [new Map(), /is a Map/],
      [{ tags: new Set() }, /^value\.tags is a Set/],
      [new Uint8Array(2), /is a Uint8Array/],
      [/x/, /is a RegExp/],
      [Object(1), /is a Number/],
      [new Date(Number.NaN), /is an invalid Date/],
    ];
    for (const [value, message] of cases) expect(refusal(value)).toMatch(message);
  });

  it("refuses a value that contains itself, and nothing that merely occurs twice", () => {
    const self: { inner: unknown[] } = { inner: [] };
    self.inner.push(self);
    expect(refusal(self)).toMatch(/^value\.inner\[0\] contains itself/);
    const shared = { a: 1 };
    expect(toJson([shared, shared, { shared }], "value")).toBe('[{"a":1},{"a":1},{"shared":{"a":1}}]');
    const endless = (): object => ({ toJSON: () => ({ next: endless() }) });
    expect(refusal(endless())).toMatch(/nested deeper than 1000/);
  });

  it("takes dates and other objects with toJSON for what they become", () => {
    const date = new Date(0);
    expect(toJson({ date }, "value")).toBe('{"date":"1970-01-01T00:00:00.000Z"}');
    expect(toJson({ url: new URL("https://example.org/") }, "value")).toBe('{"url":"https://example.org/"}');
    expect(refusal({ x: { toJSON: () => undefined } })).toMatch(/^value\.x is undefined/);
    expect(refusal({ x: { toJSON: () => [Number.NaN] } })).toMatch(/^value\.x\[0\] is NaN/);
  });

  it("keeps __proto__ as a member, and takes objects of other realms and without a prototype", () => {
    expect(toJson(JSON.parse('{"__proto__":1}'), "value")).toBe('{"__proto__":1}');
    expect(toJson(runInNewContext("({ a: [1] })"), "value")).toBe('{"a":[1]}');
    expect(toJson(Object.assign(Object.create(null), { a: 1 }), "value")).toBe('{"a":1}');
  });

  it("measures bytes of UTF-8, not characters", () => {
    expect(toJson("é".repeat(4), "value", 10)).toHaveLength(6);
    expect(() => toJson("é".repeat(5), "value", 10)).toThrow(/larger than 10 bytes/);
    expect(() => toJson("a".repeat(1024 * 1024), "value")).toThrow(/value is larger than 1048576 bytes/);
    expect(toJson("a".repeat(1024 * 1024 - 2), "value")).toHaveLength(1024 * 1024);
  });
});
