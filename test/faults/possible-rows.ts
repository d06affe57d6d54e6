import type { Phase } from "./fault.ts";

/** How many rows there may be of a call with this result that would write so many. */
export function possibleRows(result: string, all: number): readonly number[] {
  if (result === "closed") return [0];
  if (result === "ok") return [all];
  return result.endsWith("/unknown") ? [0, all] : [0];
}

/** How many rows the call of a phase would write. */
export function rowsIn(phase: Phase): number {
  return phase === "batch" || phase === "commit" || phase === "cold batch" ? 3 : 1;
}
