import fc from "fast-check";

/**
 * Few keys, so that calls meet; each is there for a mistake that it would show: `_`, `%` and `\` for LIKE, `a` before `a_b` for
 * prefixes, U+FFFF before U+10000 for the order of UTF-16, U+10FFFF for the end of a range.
 */
export const anyKey = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom("a", "a_b") },
  { weight: 1, arbitrary: fc.constantFrom("axb", "a%", "a\\", "\uffff", "𐀀", "\u{10ffff}", "\u{10ffff}a") },
);

export const anyPrefix = fc.constantFrom("", "", "a", "a_", "a%", "a\\", "𐀀", "\u{10ffff}", "ax", "none");

export const anyPage = fc.oneof(
  fc.constant({}),
  fc.record(
    {
      prefix: anyPrefix,
      after: fc.oneof(anyKey, fc.constantFrom("", "a_", "\ud7ff", "\u{10ffff}\u{10ffff}")),
      limit: fc.integer({ min: 1, max: 4 }),
    },
    { requiredKeys: [] },
  ),
);

export const anyValue = fc.constantFrom<unknown>(null, null, 0, 1, "", "x", [null, { a: 1 }], { a: { b: "𐀀" } });

/** `current` and `stale` stand for the version that the model has, and for the one before it. */
export const anyExpectation = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Expectation>(undefined) },
  { weight: 3, arbitrary: fc.constant<Expectation>("current") },
  { weight: 3, arbitrary: fc.constantFrom<Expectation>("stale", "absent", "present", 0, 1, 3) },
);

export type Expectation = number | "absent" | "present" | "current" | "stale" | undefined;

/** The expectation as the store takes it, given the version that is there: 0 for none. */
export function expectedVersion(expectation: Expectation, current: number): number | "absent" | "present" | undefined {
  if (expectation === "current") return current;
  if (expectation === "stale") return Math.max(0, current - 1);
  return expectation;
}

/** Whether something at version `current`, 0 for none, is what was expected. */
export function holds(expected: number | "absent" | "present" | undefined, current: number): boolean {
  if (expected === undefined) return true;
  if (expected === "absent") return current === 0;
  if (expected === "present") return current > 0;
  return expected === current;
}

/** The order of keys: byte by byte, in UTF-8. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
