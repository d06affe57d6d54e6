import { ValidationError } from "../errors.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/**
 * How many items a list call returns at most: an integer from 1 to 1,000, and 100 when none was asked for.
 *
 * @param what the call, for the message: `records.list`
 * @throws ValidationError
 */
export function checkLimit(limit: number | undefined, what: string): number {
  if (limit === undefined) return DEFAULT_LIMIT;
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new ValidationError(`${what}: limit must be an integer from 1 to ${MAX_LIMIT}; for more, page with after`);
}
