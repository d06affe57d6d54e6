import { ValidationError } from "../errors.ts";

/**
 * What a write expects to find: a version number, nothing at all, or anything at all. Without one it expects nothing and
 * always goes through. 0 means `"absent"`.
 */
export type ExpectedVersion = number | "absent" | "present";

/**
 * The expectation as the database functions read it.
 *
 * @param what the call, for the message: `records.put`
 * @throws ValidationError
 */
export function toExpected(expected: ExpectedVersion | undefined, what: string): string | null {
  if (expected === undefined) return null;
  if (expected === "absent" || expected === "present") return expected;
  if (Number.isSafeInteger(expected) && expected >= 0) return expected === 0 ? "absent" : String(expected);
  throw new ValidationError(`${what}: expectedVersion must be a whole number from 0, "absent" or "present"`);
}
