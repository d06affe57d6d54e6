import { ValidationError } from "../errors.ts";
import { type CursorPlace, cursorPlace, hasPassed } from "../sql/cursor.ts";
import type { Cursor } from "./replica.ts";

/** `[[lane, "seq"], …]`. */
export type Lanes = CursorPlace["lanes"];

/** What a head says. Undefined where it is none of ours. */
export function lanesOf(head: string): Lanes | undefined {
  if (!/^(\d+:\d+(,\d+:\d+)*)?$/.test(head)) return undefined;
  const places = head === "" ? [] : head.split(",");
  return places.map((place) => {
    const [lane = "", seq = ""] = place.split(":");
    return [Number(lane), seq];
  });
}

/** Whether a feed that stands at `head` has got so far. True where the head is none of ours and does not say. */
export function reaches(head: string, lanes: Lanes): boolean {
  const reached = lanesOf(head);
  return reached === undefined || hasPassed({ lanes: reached }, { lanes });
}

/**
 * Where a cursor stands: its lanes tell when something that was pushed has come back. A cursor of a replica that has no lanes gives
 * none, and no epoch: what was pushed is then told from what is pulled by its version alone.
 */
export function placeOf(cursor: Cursor): CursorPlace {
  try {
    return cursorPlace(cursor);
  } catch (error) {
    if (error instanceof ValidationError) return { epoch: null, lanes: [] };
    throw error;
  }
}
