/** What a store tells of its sync with a remote: `remote` is its name in this store's database. */
export type SyncEvent =
  | SyncStartEvent
  | SyncProgressEvent
  | SyncCompleteEvent
  | SyncErrorEvent
  | SyncConflictEvent
  | SyncResyncEvent
  | SyncStalledEvent
  | SyncDeadLetterEvent;

interface OfSync {
  readonly store: string;
  readonly remote: string;
}

export interface SyncStartEvent extends OfSync {
  readonly type: "sync:start";
}

/** After each batch that was pushed and each page that was pulled. */
export interface SyncProgressEvent extends OfSync {
  readonly type: "sync:progress";
  readonly phase: "push" | "pull";
  /** Mutations or changes of this round. */
  readonly done: number;
  /** Absent while it is not known. */
  readonly total?: number;
}

export interface SyncCompleteEvent extends OfSync {
  readonly type: "sync:complete";
  readonly report: SyncReport;
}

/** A round has failed. Nothing is lost: the next one goes on from there. */
export interface SyncErrorEvent extends OfSync {
  readonly type: "sync:error";
  readonly error: unknown;
}

/** An edit has met a change of the remote. When it is about a record, `record:conflict` comes with it. */
export interface SyncConflictEvent extends OfSync {
  readonly type: "sync:conflict";
  readonly kind: "record" | "kv";
  readonly key: string;
  /** Who won. `manual`: nobody yet. */
  readonly winner: "local" | "remote" | "merged" | "manual";
  /** What the merge function threw. */
  readonly error?: unknown;
}

/** The remote cannot continue from where this store was: everything is pulled again, and edits wait until it is. */
export interface SyncResyncEvent extends OfSync {
  readonly type: "sync:resync";
  readonly why: "epoch" | "rewind" | "floor" | "scope";
}

/** Edits are not getting through although the remote is in use. */
export interface SyncStalledEvent extends OfSync {
  readonly type: "sync:stalled";
  /** How many wait. */
  readonly pending: number;
  readonly oldestPendingAgeMs: number;
}

/** An edit that the remote did not take, or that lost against its state, was put aside. */
export interface SyncDeadLetterEvent extends OfSync {
  readonly type: "sync:dead-letter";
  readonly kind: "record" | "kv" | "event";
  readonly key: string;
  readonly reason: string;
}

/** What one round did. */
export interface SyncReport {
  /** Edits that the remote has taken. */
  readonly pushed: number;
  /** Changes that came from the remote, those included that were known here. */
  readonly pulled: number;
  /** Rows that were written here for them. */
  readonly written: number;
  /** Edits that met a change of the remote. */
  readonly conflicts: number;
  /** Edits that the remote will never take: they are dead letters now. */
  readonly rejected: number;
  /** How often everything had to be pulled again. */
  readonly resyncs: number;
  /** Both sides were in step at the end. If not, another round is needed. */
  readonly done: boolean;
  /** Where the remote's feed stood. Compare only for equality. */
  readonly head?: string;
}
