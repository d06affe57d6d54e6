import type { Store } from "../create-store.ts";
import { bounded } from "../driver/call.ts";
import type { CallOptions } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { checkLimit } from "../sql/limit.ts";
import { toDeadLetter } from "./dead-letter.ts";
import { isLive, type LiveOptions, live } from "./live.ts";
import { globalNetworkEvents, type NetworkEvents, onNetworkEvents } from "./network-events.ts";
import { onOwnEdits } from "./own-edits.ts";
import type { Replica } from "./replica.ts";
import { schedule } from "./schedule.ts";
import type { SyncHandle } from "./sync-handle.ts";
import { checkMs, MAX_TIMER_MS, type SyncOptions } from "./sync-options.ts";
import type { Remote } from "./sync-remote.ts";
import { syncRounds } from "./sync-rounds.ts";
import { syncSession } from "./sync-session.ts";
import { toStatus } from "./sync-status.ts";

export interface EnableSyncOptions extends SyncOptions {
  readonly remote: Remote;
  /** How often to look for changes, in milliseconds. Default 30,000. */
  readonly interval?: number | undefined;
  /** How long to gather edits of this store object before they are sent, in milliseconds. Default 50. */
  readonly debounceMs?: number | undefined;
  /** For a URL: also wait for changes by long poll, so that they come in at once. Default false. */
  readonly live?: boolean | undefined;
  /** How old an edit that does not get through must be for `sync:stalled`, in milliseconds. Default 60,000. */
  readonly stalledAfterMs?: number | undefined;
  /** For the jitter of the back-off: from 0 to below 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds since 1970. Default the system clock. */
  readonly now?: (() => number) | undefined;
  /** What tells of `online`, `offline` and `visibilitychange`. Default: the global object, where it does. */
  readonly network?: NetworkEvents | undefined;
}

/**
 * Keeps a store and a remote in step: at once, after each edit that is made through this store object, every `interval`, and
 * when the network is back. After an error it tries again for ever, with longer waits. What it does, the store tells as events
 * `sync:*`.
 *
 * All state is in the store's database. Any number of processes may sync the same store with the same remote; one of them
 * sends at a time. Edits that were made by other processes, or before sync was enabled, are sent too.
 *
 * @throws ValidationError for options that are not sound
 * @example
 * ```ts
 * const sync = enableSync(store, {
 *   remote: "https://example.org/sync/v1/quakes",
 *   strategy: "last-write-wins",
 *   authToken: () => session.token(),
 * });
 * store.on("sync:complete", ({ report }) => console.log(report.pulled));
 * await sync.now();
 * await sync.stop();
 * ```
 */
export function enableSync(store: Store, options: EnableSyncOptions): SyncHandle {
  const { random = Math.random, now: nowMs = Date.now, network = globalNetworkEvents() } = options;
  const intervalMs = checkMs(options.interval ?? 30_000, "enableSync: interval");
  const debounceMs = checkMs(options.debounceMs ?? 50, "enableSync: debounceMs");
  const stalledAfterMs = checkMs(options.stalledAfterMs ?? 60_000, "enableSync: stalledAfterMs");
  const session = syncSession(store, options.remote, options, "enableSync");
  const { device, replica, settings } = session;

  const rounds = syncRounds(session, { nowMs, stalledAfterMs, closed: () => void handle.stop() });
  const plan = schedule({ run: rounds.run, isUnfinished: ({ done }) => !done, intervalMs, debounceMs, random });
  const startLive = options.live ? liveStarter(replica, { random, moved: plan.wake }) : () => () => undefined;
  let stopLive = startLive();
  const endEdits = settings.direction === "pull" ? () => undefined : onOwnEdits(store, plan.soon);
  const endNetwork = onNetworkEvents(network, { online: plan.wake, offline: plan.offline, visibility: plan.wake });
  plan.wake();

  const handle: SyncHandle = {
    now: (callOptions) => waitFor(plan.now(), callOptions),
    pause() {
      stopLive();
      plan.pause();
      rounds.end();
    },
    resume() {
      if (plan.state() !== "paused") return;
      stopLive = startLive();
      plan.resume();
    },
    async status(callOptions) {
      const row = await device.status(callOptions);
      return toStatus(row, { ...rounds.known(), state: plan.state(), nowMs: nowMs() });
    },
    async stop() {
      for (const end of [stopLive, endEdits, endNetwork, rounds.end]) end();
      const impatient = setTimeout(rounds.abort, STOP_GRACE_MS);
      await plan.stop();
      clearTimeout(impatient);
    },
    async failed({ limit, ...callOptions } = {}) {
      const rows = await device.failed(checkLimit(limit, "sync.failed"), callOptions);
      return rows.map(toDeadLetter);
    },
    async redrive(ids, callOptions) {
      const count = await device.redrive(checkIds(ids), callOptions);
      plan.soon();
      return count;
    },
  };
  return handle;
}

/** How long what is on its way may go on after `stop`: an answer that is not waited for is asked for again. */
const STOP_GRACE_MS = 1000;

function liveStarter(replica: Replica, options: LiveOptions): () => () => void {
  if (isLive(replica)) return () => live(replica, options);
  throw new ValidationError("enableSync: live is for a remote that is a URL");
}

/** Ends the wait, not what is waited for. */
function waitFor<T>(result: Promise<T>, options: CallOptions | undefined): Promise<T> {
  result.catch(() => undefined);
  return bounded("sync.now", options, MAX_TIMER_MS, (call) => {
    call.wasSent = () => true;
    return result;
  });
}

function checkIds(ids: readonly string[] | undefined): readonly string[] | null {
  if (ids === undefined) return null;
  if (Array.isArray(ids) && ids.every((id) => typeof id === "string")) return ids;
  throw new ValidationError("sync.redrive: ids must be an array of the ids of dead letters, or left out for all");
}
