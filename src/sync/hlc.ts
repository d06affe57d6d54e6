import type { Hlc } from "./replica.ts";

/**
 * The stamp that a write without one counts as: the milliseconds of its time, no counter, no node. The same as
 * `persist.hlc_of_time` gives.
 *
 * @param updatedAt ISO 8601
 */
export function hlcOfTime(updatedAt: string): Hlc {
  const wallMs = Math.max(0, Math.floor(Date.parse(updatedAt)));
  return `${String(wallMs).padStart(WALL_DIGITS, "0")}-000000-`;
}

/** Negative when `a` is the earlier one, 0 when they are the same. By byte of UTF-8, as the database compares them. */
export function compareHlc(a: Hlc, b: Hlc): number {
  const encoder = new TextEncoder();
  const left = encoder.encode(a);
  const right = encoder.encode(b);
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const difference = Number(left[index]) - Number(right[index]);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

const WALL_DIGITS = 15;
