import type { PGlite } from "@electric-sql/pglite";

/** Gives the turn back. */
export type EndTurn = () => void;

/**
 * Waits until nobody else uses the only session of a PGlite: no other connection, and no `query()` or `transaction()`
 * of the process that owns it. `undefined` when the signal ends the wait first.
 */
export function takeTurn(db: PGlite, signal: AbortSignal): Promise<EndTurn | undefined> {
  return new Promise((resolve, reject) => {
    const giveUp = () => resolve(undefined);
    signal.addEventListener("abort", giveUp, { once: true });
    // The lock that PGlite's own transactions take. `runExclusive` is not enough: it slips between the statements of one.
    const held = db._runExclusiveTransaction(
      () =>
        new Promise<void>((endTurn) => {
          signal.removeEventListener("abort", giveUp);
          if (signal.aborted) {
            endTurn();
          } else {
            resolve(endTurn);
          }
        }),
    );
    held.catch(reject);
  });
}
