/**
 * The second seam: sync is symmetric. A store and an HTTP endpoint are both a replica, so each half of a sync is the same
 * copy with the arguments swapped.
 */
export interface Replica {
  /** Hands over mutations of one client. Exactly once: the same batch again changes nothing. */
  push(batch: PushBatch): Promise<PushResult | PushRefusal>;
  /**
   * The changes after a cursor, or from the start with null. At most `limit` of them (1 to 1,000) and about 1 MiB, but one
   * at least while there is one.
   */
  pull(cursor: Cursor | null, limit: number): Promise<ChangePage | Resync>;
}

/** Opaque to whoever holds it. Good for one store; it never comes from a push. */
export type Cursor = string;

/** `"lane:number"`: a place in the change feed. Compare only for equality. */
export type Seq = string;

/** The state of one record, not a step of its history: what was written in between is not told. */
export interface Change {
  readonly kind: "record";
  readonly key: string;
  /** Absent when deleted; a stored null is null. */
  readonly value?: unknown;
  readonly deleted?: true;
  readonly version: number;
  readonly seq: Seq;
  /** ISO 8601 with microseconds, by the database's clock. Never a cursor. */
  readonly updatedAt: string;
  /** Who wrote it, when it came by a push. */
  readonly by?: { readonly client: string; readonly mutation: number };
}

export interface ChangePage {
  readonly changes: readonly Change[];
  /** Store it together with the changes, in one transaction. */
  readonly cursor: Cursor;
  /** There was more when this page was read. */
  readonly more: boolean;
  /** Where the feed stood. Differs from the one before when anything was written. */
  readonly head: string;
}

/**
 * The cursor cannot be continued: pull from the start, keep pending edits.
 *
 * | why | |
 * |---|---|
 * | `epoch` | history was replaced: a restore, a branch, another database |
 * | `rewind` | the feed is behind the cursor |
 * | `floor` | tombstones after the cursor were collected |
 */
export interface Resync {
  readonly resync: "epoch" | "rewind" | "floor";
}

/** One write of a client. `base` is the version that the client last saw, 0 when it saw none. */
export type Mutation =
  | { readonly id: number; readonly op: "put"; readonly key: string; readonly value: unknown; readonly base: number }
  | { readonly id: number; readonly op: "delete"; readonly key: string; readonly base: number };

export interface PushBatch {
  readonly client: string;
  /** What the client had seen when it pushed. */
  readonly cursor?: Cursor | undefined;
  /** Ids count 1, 2, 3 … over the life of the client, without holes. 1 to 500 of them, at most 1 MiB. */
  readonly mutations: readonly Mutation[];
}

/**
 * | status | |
 * |---|---|
 * | `applied` | with the record's new `version`, and the `seq` that a cursor must reach before a pull shows it |
 * | `duplicate` | it was applied by an earlier push; `version` and `seq` as long as nobody wrote the record since |
 * | `conflict` | `base` was not the version (0 for no record). `current` is the record, unless the answer would grow too large |
 */
export interface MutationResult {
  readonly id: number;
  readonly status: "applied" | "duplicate" | "conflict";
  readonly version?: number;
  readonly seq?: Seq;
  readonly current?: {
    readonly key: string;
    readonly value: unknown;
    readonly version: number;
    readonly deleted: boolean;
  };
}

export interface PushResult {
  /** One for each mutation, in the order of the batch. */
  readonly results: readonly MutationResult[];
  /** The highest id that was taken from this client. */
  readonly lastMutation: number;
  readonly head: string;
}

/** Nothing of the batch was applied. */
export type PushRefusal =
  /** Mutations between `lastMutation` and the first of the batch never arrived. */
  | { readonly refused: "gap"; readonly lastMutation: number }
  /** The server never saw this client, and the batch does not begin at 1. */
  | { readonly refused: "unknown-client" }
  /** The client id was first used by another principal. */
  | { readonly refused: "forbidden" };
