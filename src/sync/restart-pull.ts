import { PersistError } from "../errors.ts";
import type { Cursor, Resync } from "./replica.ts";
import type { SyncRound } from "./sync-round.ts";

/** A remote that takes no cursor at all, its own newest one included, is not one to go on with at once. */
const MAX_RESYNCS = 3;

/**
 * Begins from the start after the remote has refused a cursor, unless that was not the store's cursor any more.
 *
 * @throws PersistError with code `resync` when that does not help
 */
export async function restartPull(round: SyncRound, why: Resync["resync"], refused: Cursor | null): Promise<void> {
  const { device, budget, tally } = round;
  const now = await device.open(round.newClient(), budget.keep());
  if (now.cursor === refused) {
    tally.resyncs += 1;
    if (tally.resyncs > MAX_RESYNCS) throw refusesCursors(why);
    await device.restart(why, budget.keep());
    round.tell({ type: "sync:resync", why });
    round.cursor = null;
    round.isResyncing = true;
  } else {
    round.cursor = now.cursor;
    round.isResyncing = now.resync !== null;
  }
}

function refusesCursors(why: string): PersistError {
  const message = `sync: the remote refuses its own cursors (${why}); edits are kept, the next round tries again`;
  return new PersistError("resync", message, { outcome: "rejected", retryable: true });
}
