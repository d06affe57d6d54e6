import type { Store } from "../create-store.ts";
import type { CallOptions } from "../driver.ts";
import type { SyncReport } from "../stores/sync-event.ts";
import { budgetOf } from "./budget.ts";
import { syncCycle } from "./sync-cycle.ts";
import { checkMs, type SyncOptions } from "./sync-options.ts";
import type { Remote } from "./sync-remote.ts";
import { syncSession } from "./sync-session.ts";

export interface SyncOnceOptions extends SyncOptions, Pick<CallOptions, "signal"> {
  /**
   * For how long new work may begin, in milliseconds. What has begun gets the rest as its deadline; what has come in is stored
   * in any case, which may take a second longer. Default: until both sides are in step.
   */
  readonly budgetMs?: number | undefined;
}

/**
 * Syncs a store with a remote, as far as the budget goes: for a handler of a schedule, and for any code that lives for one
 * request. Whatever it ends with, the next call goes on from there. `done` in the report says whether there is a need to.
 *
 * @throws ValidationError for options that are not sound
 * @throws PersistError what a statement or request has failed with, but for running out of the budget
 * @example
 * ```ts
 * export default {
 *   async scheduled() {
 *     const { done } = await syncOnce(store, "https://example.org/sync/v1/quakes", { budgetMs: 20_000 });
 *   },
 * };
 * ```
 */
export async function syncOnce(store: Store, remote: Remote, options: SyncOnceOptions = {}): Promise<SyncReport> {
  const { budgetMs, signal } = options;
  if (budgetMs !== undefined) checkMs(budgetMs, "syncOnce: budgetMs");
  const session = syncSession(store, remote, options, "syncOnce");
  return syncCycle(session, budgetOf({ budgetMs, signal, timeoutMs: session.settings.timeoutMs }));
}
