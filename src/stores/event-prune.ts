import type { CallOptions } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { fromDate } from "../sql/time.ts";
import { deleteEvents } from "./event-statements.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";
import { workLimit } from "./work-limit.ts";

/** At least one of `before` and `keep`. With both, what goes is older than `before` and not among the newest `keep`. */
export interface PruneOptions extends CallOptions {
  /** Default: every stream; each is looked at, which takes some microseconds a stream. */
  readonly stream?: string | undefined;
  /** Events older than this, by the database's clock, up to the first of the stream that is not. */
  readonly before?: Date | undefined;
  /** How many of the newest events stay in each stream: a whole number from 0. */
  readonly keep?: number | undefined;
  /** How many events go in this call at most: 1 to 10,000, which is the default. */
  readonly limit?: number | undefined;
}

export interface EventPruning {
  /**
   * Deletes events from the old end of streams and says how many. As long as that is `limit`, there may be more: call again.
   *
   * A stream keeps its version: the next event gets the next one, and `expectedVersion` goes on as before. The id of an event
   * is forgotten with it: appending it again after that makes a new event, so keep events for as long as an append may be
   * repeated. Other replicas are not told: each prunes for itself.
   *
   * @throws ValidationError when neither `before` nor `keep` is given, or one of them is not sound
   * @example
   * ```ts
   * const month = new Date(Date.now() - 30 * 24 * 60 * 60 * 1000);
   * while ((await store.events.prune({ before: month, keep: 100 })) === 10_000);
   * ```
   */
  prune(options: PruneOptions): Promise<number>;
}

/** Pruning of the events of one store. */
export function eventPruning(context: StoreContext): EventPruning {
  const { store, emit } = context;
  return {
    async prune(options) {
      const statement = deleteEvents(context, toPrune(options));
      const row = onlyRow(await runStatement(context, "events.prune", statement, options), "events.prune");
      const count = Number(row["pruned"]);
      const { stream } = options;
      if (count > 0) emit?.({ type: "event:prune", store, count, ...(stream !== undefined && { stream }) });
      return count;
    },
  };
}

function toPrune({ stream, before, keep, limit }: PruneOptions) {
  if (before === undefined && keep === undefined) {
    throw new ValidationError("events.prune: say what goes, with before, keep or both");
  }
  if (keep !== undefined && !(Number.isSafeInteger(keep) && keep >= 0)) {
    throw new ValidationError("events.prune: keep must be a whole number from 0");
  }
  return {
    stream: stream === undefined ? null : checkKey(stream, "events.prune: stream"),
    before: before === undefined ? null : fromDate(before, "events.prune: before"),
    keep: keep === undefined ? null : String(keep),
    limit: workLimit(limit, "events.prune"),
  };
}
