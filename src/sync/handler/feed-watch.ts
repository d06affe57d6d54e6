import type { FeedHead, Replica } from "../replica.ts";
import { hasMoved, type KnownPlace } from "./feed-place.ts";

export interface FeedWatch {
  /** Where the feed is, as soon as it is not where it was. Undefined when that did not happen in time, or nobody waits any more. */
  next(waitMs: number): Promise<FeedHead | undefined>;
}

export interface FeedWatchOptions {
  readonly replica: Replica;
  /** Undefined: wherever the feed is, is news. */
  readonly known: KnownPlace | undefined;
  /** From one look to the next. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** Looks where a feed stands, again and again. Each look is one call of the replica, and there is one at least. */
export function feedWatch({ replica, known, intervalMs, signal }: FeedWatchOptions): FeedWatch {
  let place = known;
  let nextLookAt = 0;
  return {
    async next(waitMs) {
      const deadline = Date.now() + waitMs;
      for (;;) {
        await pause(nextLookAt - Date.now(), signal);
        if (signal.aborted) return undefined;
        nextLookAt = Date.now() + intervalMs;
        const feed = await replica.head({ signal });
        if (hasMoved(place, feed)) {
          place = feed;
          return feed;
        }
        if (Date.now() >= deadline) return undefined;
        nextLookAt = Math.min(nextLookAt, deadline);
      }
    },
  };
}

/** Ends early, without an error, when the signal says so. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
    function end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
  });
}
