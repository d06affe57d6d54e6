import { ValidationError } from "../errors.ts";

const MAX_ROWS = 10_000;

/**
 * How many rows a call clears away at most: an integer from 1 to 10,000, which is also the default. It bounds how long the
 * call takes and holds its locks.
 *
 * @param what the call, for the message: `events.prune`
 * @throws ValidationError
 */
export function workLimit(limit: number | undefined, what: string): number {
  if (limit === undefined) return MAX_ROWS;
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_ROWS) return limit;
  throw new ValidationError(`${what}: limit must be an integer from 1 to ${MAX_ROWS}; for more, call again`);
}
