import type { Row } from "../driver.ts";
import { toDate } from "../sql/time.ts";
import type { Resync } from "./replica.ts";

/** How a sync stands. */
export interface SyncStatus {
  readonly state: SyncState;
  /** Edits that wait to be sent. */
  readonly pending: number;
  /** Edits that were sent, or are being sent, and whose answer is not known. */
  readonly inFlight: number;
  /** Dead letters. */
  readonly failed: number;
  /** Records that wait for `records.resolve`. */
  readonly conflicts: number;
  /** Why the last round failed. Absent after one that succeeded. */
  readonly lastError?: unknown;
  /** How long ago this store had everything that the remote had. Absent when it never did. */
  readonly cursorAgeMs?: number;
  /** When the last round of this handle ended with both sides in step, or when the last changes came in. */
  readonly lastSyncedAt?: Date;
  /** Absent when nothing waits. */
  readonly oldestPendingAgeMs?: number;
  /** Everything is being pulled again, for this reason. */
  readonly resync?: Resync["resync"];
}

/**
 * | state | |
 * |---|---|
 * | `idle` | waits for the next round |
 * | `syncing` | a round is on its way |
 * | `backing-off` | the last round failed; waits, longer each time, for the next |
 * | `offline` | the runtime says that there is no network |
 * | `paused` | until `resume` |
 * | `stopped` | for good |
 */
export type SyncState = "idle" | "syncing" | "backing-off" | "offline" | "paused" | "stopped";

export interface KnownHere {
  readonly state: SyncState;
  readonly lastError: unknown;
  readonly lastSyncedAtMs: number | undefined;
  readonly nowMs: number;
}

/** @param row the status in the database, undefined when there never was a sync */
export function toStatus(row: Row | undefined, { state, lastError, lastSyncedAtMs, nowMs }: KnownHere): SyncStatus {
  const pulledAt = timeOf(row?.["pulled_at"]);
  const oldestAt = timeOf(row?.["oldest_pending_at"]);
  const syncedAt = lastSyncedAtMs ?? pulledAt;
  const resync = row?.["resync"] as Resync["resync"] | null | undefined;
  return {
    state,
    pending: Number(row?.["pending"] ?? 0),
    inFlight: Number(row?.["in_flight"] ?? 0),
    failed: Number(row?.["failed"] ?? 0),
    conflicts: Number(row?.["conflicts"] ?? 0),
    ...(lastError === undefined ? {} : { lastError }),
    ...(syncedAt === undefined ? {} : { cursorAgeMs: Math.max(0, nowMs - syncedAt), lastSyncedAt: new Date(syncedAt) }),
    ...(oldestAt === undefined ? {} : { oldestPendingAgeMs: Math.max(0, nowMs - oldestAt) }),
    ...(resync ? { resync } : {}),
  };
}

function timeOf(text: unknown): number | undefined {
  return typeof text === "string" ? toDate(text).getTime() : undefined;
}
