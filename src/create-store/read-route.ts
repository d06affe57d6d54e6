import { coalesceReads } from "../driver/coalesce-reads.ts";
import type { Driver } from "../driver.ts";
import { selectClock } from "../stores/clock-statement.ts";
import type { ReadCallOptions, StoreContext } from "../stores/store-context.ts";
import type { ReadPosition } from "./read-position.ts";
import { replicaReads } from "./replica-reads.ts";

export interface ReadRouteOptions {
  readonly primary: Driver;
  readonly replicas: readonly Driver[];
  readonly batchReads: boolean;
  readonly position: ReadPosition;
}

/** How reads are sent: to replicas where there are some, those of one tick together where that was asked for. */
export function readRoute(
  context: Pick<StoreContext, "store" | "schema" | "emit">,
  { primary, replicas, batchReads, position }: ReadRouteOptions,
): StoreContext["read"] {
  const { store, emit } = context;
  if (replicas.length === 0) return batchReads ? coalesceReads(primary) : undefined;

  const reads = replicaReads(primary, replicas, {
    store,
    clock: selectClock(context),
    position,
    onSkip: (skip) => emit?.({ type: "replica:skip", store, ...skip }),
  });
  if (!batchReads) return reads.query;
  const together = coalesceReads(reads);
  return (statement, options) => (isPlain(options) ? together(statement, options) : reads.query(statement, options));
}

/** Whether it asks for no more than the reads beside it. */
function isPlain({ atLeast, from }: ReadCallOptions): boolean {
  return atLeast === undefined && (from?.epoch ?? null) === null;
}
