import type { Param } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { fromDate } from "../sql/time.ts";

/**
 * A value in a statement of the user's own, as it is bound:
 *
 * | value | bound as |
 * |---|---|
 * | string, boolean, null | itself |
 * | number | its digits; NaN, ±Infinity and integers beyond 2^53 - 1 are refused |
 * | bigint | its digits |
 * | Date | ISO 8601 text in UTC |
 * | object, array | JSON text, up to 8 MiB: read it with `::text::jsonb` |
 *
 * @param what for messages: `sql: value 2`
 * @throws ValidationError for anything else, and for text with NUL or half a surrogate pair
 */
export function sqlParam(value: unknown, what: string): Param {
  switch (typeof value) {
    case "string":
      return checkText(value, what);
    case "boolean":
      return value;
    case "number":
      return checkNumber(value, what);
    case "bigint":
      return String(value);
    case "object":
      if (value === null) return null;
      return value instanceof Date ? fromDate(value, what) : toJson(value, what, MAX_JSON_BYTES);
    case "undefined":
      throw new ValidationError(`${what} is undefined; use null`);
    default:
      throw new ValidationError(`${what} is a ${typeof value}, which cannot be bound`);
  }
}

const MAX_JSON_BYTES = 8 * 1024 * 1024;

function checkText(text: string, what: string): string {
  if (text.includes("\0")) throw new ValidationError(`${what} contains NUL, which PostgreSQL cannot store`);
  if (!text.isWellFormed()) throw new ValidationError(`${what} contains half a surrogate pair`);
  return text;
}

function checkNumber(number: number, what: string): number {
  if (!Number.isFinite(number)) throw new ValidationError(`${what} is ${number}; use null, or a string`);
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    throw new ValidationError(`${what} is an integer beyond 2^53 - 1, which is not exact; use a bigint`);
  }
  return number;
}
