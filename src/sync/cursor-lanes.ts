import { ValidationError } from "../errors.ts";
import { cursorLanes } from "../sql/cursor.ts";
import type { Cursor } from "./replica.ts";

/**
 * The lanes of a cursor as JSON text, `[[lane, "seq"], …]`: they tell when something that was pushed has come back. A cursor
 * of a replica that has no lanes gives none: what was pushed is then told from what is pulled by its version alone.
 */
export function lanesOf(cursor: Cursor): string {
  try {
    return JSON.stringify(cursorLanes(cursor));
  } catch (error) {
    if (error instanceof ValidationError) return "[]";
    throw error;
  }
}
