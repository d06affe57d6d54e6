import type { Row, Statement } from "../driver.ts";
import { hasPassed, type Position } from "../sql/cursor.ts";
import type { StoreContext } from "./store-context.ts";

/** How far each lane of a store's change feed has got: a row per lane. */
export function selectClock({ store, schema }: Pick<StoreContext, "store" | "schema">): Statement {
  return {
    text: `select lane, seq::text as seq, epoch::text as epoch from ${schema}.persist_sync_clock where store = $1`,
    params: [store],
  };
}

/** What {@link selectClock} answers, as a place in the feed. */
export function toPosition(store: string, rows: readonly Row[]): Position {
  const lanes = rows.map((row) => [Number(row["lane"]), String(row["seq"])] as const);
  const epoch = rows[0]?.["epoch"];
  return { kind: "token", store, epoch: typeof epoch === "string" ? epoch : null, lanes };
}

/** Whether who stands at `position` has seen all that lies before `wanted`. */
export function hasReached(position: Position, wanted: Position): boolean {
  return wanted.lanes.length === 0 || (position.epoch === wanted.epoch && hasPassed(position, wanted));
}
