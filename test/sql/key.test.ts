import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { checkKey, checkPrefix, checkStoreName, prefixRange } from "../../src/sql/key.ts";

describe("checkKey", () => {
  it("takes 1 to 1,024 bytes of UTF-8", () => {
    for (const key of ["a", "\u{10ffff}", "k".repeat(1024), "é".repeat(512), "😀".repeat(256)]) {
      expect(checkKey(key, "key")).toBe(key);
    }
  });

  it("refuses what Postgres cannot store or index, and says why", () => {
    expect(() => checkKey("", "records.put: key")).toThrow(/^records\.put: key is empty/);
    expect(() => checkKey("k".repeat(1025), "key")).toThrow(/longer than 1024 bytes/);
    expect(() => checkKey(`${"é".repeat(512)}a`, "key")).toThrow(/longer than 1024 bytes/);
    expect(() => checkKey("a\0b", "key")).toThrow(/NUL/);
    expect(() => checkKey("\ufeffa", "key")).toThrow(/byte order mark/);
    expect(() => checkKey("a\ud800", "key")).toThrow(/surrogate/);
    expect(() => checkKey("\udc00a", "key")).toThrow(/surrogate/);
    expect(() => checkKey(7 as unknown as string, "key")).toThrow(ValidationError);
  });

  it("has its own limits for prefixes and names of stores", () => {
    expect(checkPrefix("", "prefix")).toBe("");
    expect(() => checkPrefix("\ud800", "prefix")).toThrow(ValidationError);
    expect(checkStoreName("s".repeat(128))).toHaveLength(128);
    expect(() => checkStoreName("s".repeat(129))).toThrow(/longer than 128 bytes/);
    expect(() => checkStoreName("")).toThrow(/createStore: name is empty/);
  });
});

describe("prefixRange", () => {
  it("ends at the successor of the last code point", () => {
    expect(prefixRange("a")).toEqual(["a", "b"]);
    expect(prefixRange("a/")).toEqual(["a/", "a0"]);
    expect(prefixRange("\uffff")).toEqual(["\uffff", "\u{10000}"]);
    expect(prefixRange("😀")).toEqual(["😀", "😁"]);
  });

  it("steps over the surrogates", () => {
    expect(prefixRange("a\ud7ff")).toEqual(["a\ud7ff", "a\ue000"]);
  });

  it("carries past the last code point, and is open where nothing is left", () => {
    expect(prefixRange("a\u{10ffff}\u{10ffff}")).toEqual(["a\u{10ffff}\u{10ffff}", "b"]);
    expect(prefixRange("\u{10ffff}")).toEqual(["\u{10ffff}", null]);
    expect(prefixRange("")).toEqual(["", null]);
  });

  it("holds exactly the keys that begin with the prefix, in the order of bytes", () => {
    const text = fc.string({ unit: "binary", maxLength: 4 }).filter((s) => !s.includes("\0"));
    const edges = fc.string({
      unit: fc.constantFrom("a", "b", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"),
      maxLength: 4,
    });
    const anyText = fc.oneof(text, edges);
    fc.assert(
      fc.property(anyText, anyText, fc.boolean(), (prefix, other, below) => {
        const key = below ? prefix + other : other;
        const [from, to] = prefixRange(prefix);
        const inRange = compareBytes(key, from) >= 0 && (to === null || compareBytes(key, to) < 0);
        expect(inRange).toBe(key.startsWith(prefix));
      }),
      { numRuns: 2_000 },
    );
  });
});

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
