import fc, { type IAsyncPropertyWithHooks } from "fast-check";
import { expect } from "vitest";

/** With other runs each time: a failure tells the seed and the shortest counterexample. */
export async function holds<Args extends [unknown, ...unknown[]]>(
  property: IAsyncPropertyWithHooks<Args>,
  numRuns = 20,
): Promise<void> {
  await fc.assert(property, { numRuns, includeErrorInReport: true });
}

/** The same runs each time, until one shows what is wrong. For this reason, and for no other. */
export async function isViolated<Args extends [unknown, ...unknown[]]>(
  property: IAsyncPropertyWithHooks<Args>,
  reason: RegExp,
): Promise<void> {
  const result = await fc.check(property, { numRuns: 100, seed: 1, endOnFailure: true });
  expect(result.failed, "the property holds, though it must not").toBe(true);
  const { errorInstance } = result;
  expect(errorInstance instanceof Error ? errorInstance.message : String(errorInstance)).toMatch(reason);
}
