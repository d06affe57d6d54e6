import { ValidationError } from "../errors.ts";

/**
 * SQL for a timestamptz column as text, `2026-11-20T10:00:00.000123Z`: the form on which all drivers agree, with the
 * microseconds that a Date loses. The functions of the migrations give the same form.
 */
export function utcText(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

/** The time that {@link utcText} wrote, cut to milliseconds. */
export function toDate(text: unknown): Date {
  return new Date(String(text));
}

/**
 * A point in time as a parameter.
 *
 * @param what where it was given, for the message: `events.list: since`
 * @throws ValidationError when it is not a valid Date
 */
export function fromDate(date: Date, what: string): string {
  if (date instanceof Date && !Number.isNaN(date.getTime())) return date.toISOString();
  throw new ValidationError(`${what} must be a valid Date`);
}
