import type { CallOptions } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { callOptions, onlyRow } from "../stores/store-context.ts";
import { openTarget, type StoreTarget } from "./store-target.ts";

/** `timeoutMs` is for each statement, `signal` for all of them. */
export interface CollectOptions extends CallOptions {
  /** How long ago a key must have been deleted, in milliseconds by the database's clock. Default 30 days. */
  readonly olderThanMs?: number | undefined;
  /** How many tombstones of records and of entries go with one statement at most: 1 to 10,000. Default 1,000. */
  readonly limit?: number | undefined;
  /** Called after each statement that deleted something, with all that went so far. */
  readonly onProgress?: ((progress: CollectProgress) => void) | undefined;
}

export interface CollectProgress {
  readonly collected: number;
}

/**
 * Deletes for good what was deleted long ago, and says how many tombstones went. Until then a deleted record or entry is a row, of
 * which replicas hear. One that has not pulled since then, and does not know of the deletion, must pull from the start
 * afterwards; so let them stay for longer than any device is away. What a remote of this store has not got yet stays too,
 * for as long as it is one: see {@link forgetRemote}.
 *
 * A key that is created again after its tombstone was collected begins with version 1 again, so let them also stay for longer than
 * anybody keeps a version that was read: an `expectedVersion` from before the deletion would fit another value.
 *
 * Each statement works on one lane of the store, which other writers avoid meanwhile; a lane on which somebody's transaction is open
 * is left for the next time. Stopped at any point, what was done is done; any number of processes may do it at once, and again
 * after any error.
 *
 * @throws ValidationError when `olderThanMs` or `limit` is not sound
 * @example
 * ```ts
 * const collected = await collectTombstones({ driver, store: "quakes" }, { olderThanMs: 90 * 24 * 60 * 60 * 1000 });
 * ```
 */
export async function collectTombstones(target: StoreTarget, options: CollectOptions = {}): Promise<number> {
  const { olderThanMs = THIRTY_DAYS_MS, limit = 1000 } = options;
  if (!(olderThanMs >= 0 && olderThanMs <= MAX_AGE_MS)) {
    throw new ValidationError("collectTombstones: olderThanMs is an age in milliseconds, from 0 to 100 years");
  }
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 10_000)) {
    throw new ValidationError("collectTombstones: limit must be a whole number from 1 to 10,000");
  }
  const { driver, schema, store } = openTarget(target);
  const statement = {
    text: `select collected, more from ${schema}.sync_collect($1, $2, $3)`,
    params: [store, String(olderThanMs), limit],
  };

  let collected = 0;
  for (let more = true; more; ) {
    const row = onlyRow(await driver.query(statement, callOptions(options)), "collectTombstones");
    collected += Number(row["collected"]);
    more = row["more"] === true;
    if (more) options.onProgress?.({ collected });
  }
  return collected;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const THIRTY_DAYS_MS = 30 * DAY_MS;
const MAX_AGE_MS = 36_525 * DAY_MS;
