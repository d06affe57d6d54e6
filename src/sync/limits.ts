/** Limits of one push and one pull. Bytes are of JSON text. */
export interface SyncLimits {
  readonly maxChanges: number;
  /** About: a page ends before the change that would pass it, and holds one change at least. */
  readonly maxPageBytes: number;
  readonly maxMutations: number;
  readonly maxPushBytes: number;
  readonly maxValueBytes: number;
}

export const DEFAULT_SYNC_LIMITS: SyncLimits = {
  maxChanges: 1000,
  maxPageBytes: 1024 * 1024,
  maxMutations: 500,
  maxPushBytes: 1024 * 1024,
  maxValueBytes: 256 * 1024,
};

/** How far a stamp may be ahead of the database's clock, in milliseconds. */
export const DEFAULT_MAX_SKEW_MS = 5 * 60 * 1000;
