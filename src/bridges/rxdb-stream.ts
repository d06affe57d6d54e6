import { Observable } from "rxjs";
import { backOffMs } from "../sync/back-off.ts";
import type { HttpReplica } from "../sync/http-replica.ts";
import type { FeedHead, Replica } from "../sync/replica.ts";
import type { PullProgress } from "./rxdb-progress.ts";

/** A replica that may know how to wait for the feed to move. */
export type WatchedReplica = Replica & Partial<Pick<HttpReplica, "poke">>;

export interface StreamParts {
  readonly replica: WatchedReplica;
  readonly progress: PullProgress;
  /** From one look to the next, where the replica cannot wait. */
  readonly intervalMs: number;
}

/**
 * Says `RESYNC` when the feed is not where the last pull left it, and when the server can be reached again. It watches from the
 * subscription to its end; after failures it looks more and more rarely, up to once a minute.
 */
export function resyncStream(parts: StreamParts): Observable<"RESYNC"> {
  return new Observable((subscriber) => {
    const controller = new AbortController();
    void watch(parts, () => subscriber.next("RESYNC"), controller.signal);
    return () => controller.abort();
  });
}

type FeedPlace = Pick<FeedHead, "head" | "epoch">;

async function watch(parts: StreamParts, resync: () => void, signal: AbortSignal): Promise<void> {
  const { progress, intervalMs } = parts;
  let place: FeedPlace | undefined;
  let failures = 0;
  // RxDB pulls by itself at first.
  await settled(progress.next(), signal);
  while (!signal.aborted) {
    const next = await look(parts, place, signal).catch(() => undefined);
    if (signal.aborted) return;
    if (next === undefined) {
      failures += 1;
      await pause(backOffMs(failures, Math.random), signal);
      continue;
    }
    const isElsewhere = next !== null && (next.head !== progress.head || (place && next.epoch !== place.epoch));
    const isBack = failures > 0;
    failures = 0;
    place = next ?? place;
    if (!isElsewhere && !isBack) continue;
    const pulled = progress.next();
    resync();
    await Promise.race([pulled, pause(intervalMs, signal)]);
  }
}

/** Where the feed stands. Null when it did not move from `place` in time. */
async function look(
  { replica, intervalMs }: StreamParts,
  place: FeedPlace | undefined,
  signal: AbortSignal,
): Promise<FeedPlace | null> {
  if (place === undefined) return replica.head({ signal });
  if (replica.poke !== undefined) return replica.poke(place, { signal });
  await pause(intervalMs, signal);
  return signal.aborted ? null : replica.head({ signal });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return settled(over, signal).finally(() => clearTimeout(timer));
}

/** Ends early, without an error, when nobody listens any more. */
function settled(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      signal.removeEventListener("abort", end);
      resolve();
    };
    if (signal.aborted) return end();
    signal.addEventListener("abort", end);
    promise.then(end);
  });
}
