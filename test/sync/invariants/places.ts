import { cursorPlace } from "../../../src/sql/cursor.ts";
import type { Change, Cursor, Mutation, Seq } from "../../../src/sync/index.ts";

/** `record/key`, `kv/key` or `event/id`. */
export type Place = string;

export function placeOf(change: Change): Place {
  return `${change.kind}/${change.kind === "event" ? change.id : change.key}`;
}

export function placeOfMutation(mutation: Mutation): Place {
  if (mutation.op === "append") return `event/${mutation.event.id}`;
  return `${mutation.op.startsWith("kv.") ? "kv" : "record"}/${mutation.key}`;
}

/** Whether the cursor has passed what was written there. */
export function covers(cursor: Cursor | null, seq: Seq): boolean {
  if (cursor === null) return false;
  const [lane, number = "0"] = seq.split(":");
  const reached = new Map(cursorPlace(cursor).lanes).get(Number(lane)) ?? "0";
  return BigInt(reached) >= BigInt(number);
}
