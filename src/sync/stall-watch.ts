import type { SyncStatus } from "./sync-status.ts";

export interface Stall {
  readonly pending: number;
  readonly oldestPendingAgeMs: number;
}

/** Looks out for edits that do not get through while the remote moves on. */
export interface StallWatch {
  /** To be asked after a round that left something to do. At most one answer for each time that passes. */
  look(
    status: Pick<SyncStatus, "pending" | "inFlight" | "oldestPendingAgeMs">,
    head: string | undefined,
  ): Stall | undefined;
}

export function stallWatch(afterMs: number, nowMs: () => number): StallWatch {
  let lastHead: string | undefined;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return {
    look({ pending, inFlight, oldestPendingAgeMs = 0 }, head) {
      const hasMoved = head !== undefined && head !== lastHead;
      if (oldestPendingAgeMs < afterMs || !hasMoved || nowMs() - toldAtMs < afterMs) return undefined;
      lastHead = head;
      toldAtMs = nowMs();
      return { pending: pending + inFlight, oldestPendingAgeMs };
    },
  };
}
