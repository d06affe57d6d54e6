import { backOffMs } from "./back-off.ts";
import type { FeedPlace, HttpReplica } from "./http-replica.ts";
import type { Replica } from "./replica.ts";

export interface LiveOptions {
  readonly random: () => number;
  /** The remote's feed has moved. */
  readonly moved: () => void;
}

/** Whether a replica can tell that it has moved. */
export function isLive(replica: Replica): replica is Pick<HttpReplica, "poke"> & Replica {
  return "poke" in replica && typeof replica.poke === "function";
}

/** Waits, one long poll after the other, for the remote to move. Returns what ends it. */
export function live(replica: Pick<HttpReplica, "poke">, { random, moved }: LiveOptions): () => void {
  const { signal, abort } = abortable();
  void wait();
  return abort;

  async function wait(): Promise<void> {
    let place: FeedPlace | null = null;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const next: FeedPlace | null | undefined = await replica.poke(place, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      // The rounds tell of errors; this only waits.
      failures = next === undefined ? failures + 1 : 0;
      if (next && !isSame(next, place)) {
        place = next;
        moved();
      } else if (failures > 0) {
        await pause(backOffMs(failures, random), signal);
      } else if (performance.now() - startedAt < SHORT_POLL_MS) {
        await pause(SHORT_POLL_MS, signal);
      }
    }
  }
}

/** What lies between does not let a request wait: then it is asked no more often than this. */
const SHORT_POLL_MS = 1000;

function isSame(a: FeedPlace, b: FeedPlace | null): boolean {
  return a.head === b?.head && a.epoch === b.epoch;
}

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener("abort", end);
  });
}
