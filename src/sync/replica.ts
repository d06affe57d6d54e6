import type { CallOptions } from "../driver.ts";

/**
 * The second seam: sync is symmetric. A store and an HTTP endpoint are both a replica, so each half of a sync is the same
 * copy with the arguments swapped.
 */
export interface Replica {
  /** Hands over mutations of one client. Exactly once: the same batch again changes nothing. */
  push(batch: PushBatch, options?: CallOptions): Promise<PushResult | PushRefusal>;
  /**
   * The changes after a cursor, or from the start with null. At most `limit` of them (1 to 1,000) and about 1 MiB, but one
   * at least while there is one.
   */
  pull(cursor: Cursor | null, limit: number, options?: PullOptions): Promise<ChangePage | Resync>;
  /** Where the feed stands, without reading a change. */
  head(options?: CallOptions): Promise<FeedHead>;
}

export interface PullOptions extends CallOptions {
  /** Only keys and streams that begin so. A cursor is good for the scope that it was made under. */
  readonly scope?: string | undefined;
  /** Whose `lastMutation` to tell, where the client id is the principal's own. */
  readonly client?: string | undefined;
}

/** Opaque to whoever holds it. Good for one store and scope; it never comes from a push. */
export type Cursor = string;

/** `"lane:number"`: a place in the change feed. Compare only for equality. */
export type Seq = string;

export interface FeedHead {
  /** Differs from the one before when anything was written. Compare only for equality. */
  readonly head: string;
  /** Differs when history was replaced. Null while the store has none. */
  readonly epoch: string | null;
  /** ISO 8601 with microseconds, by the database's clock. */
  readonly serverTime: string;
}

/** The state of one record or entry, not a step of its history: what was written in between is not told. Or an event. */
export type Change = RecordChange | KvChange | EventChange;

export interface RecordChange extends StateChange {
  readonly kind: "record";
  /** Who wrote it, when it came by a push. */
  readonly by?: { readonly client: string; readonly mutation: number };
}

export interface KvChange extends StateChange {
  readonly kind: "kv";
  /** `base64` when the value is a string that stands for bytes. */
  readonly encoding?: "base64";
  /** ISO 8601; from then on the entry is absent. */
  readonly expiresAt?: string;
}

interface StateChange {
  readonly key: string;
  /** Absent when deleted; a stored null is null. */
  readonly value?: unknown;
  readonly deleted?: true;
  readonly version: number;
  readonly seq: Seq;
  /** ISO 8601 with microseconds, by the database's clock. Never a cursor. */
  readonly updatedAt: string;
  /** The stamp of the write, when it had one: see {@link Hlc}. */
  readonly hlc?: Hlc;
}

export interface EventChange {
  readonly kind: "event";
  readonly id: string;
  readonly stream: string;
  /** Its place in the stream, from 1. */
  readonly version: number;
  readonly type?: string;
  readonly payload: unknown;
  readonly metadata?: unknown;
  readonly timestamp: string;
  readonly seq: Seq;
}

/**
 * A stamp of a hybrid logical clock (Kulkarni et al. 2014): `wall-counter-node`, milliseconds since 1970 in 15 digits, a
 * counter in 6, and who wrote. Stamps compare as text, by byte. A write without one counts as `wall` of its `updatedAt`, with
 * counter 0 and no node.
 */
export type Hlc = string;

export interface ChangePage {
  readonly changes: readonly Change[];
  /** Store it together with the changes, in one transaction. */
  readonly cursor: Cursor;
  /** There was more when this page was read. */
  readonly more: boolean;
  /** Where the feed stood. Differs from the one before when anything was written. */
  readonly head: string;
  /** The highest id that was taken from the client that was asked about, when the page was read. */
  readonly lastMutation?: number;
}

/**
 * The cursor cannot be continued: pull from the start, keep pending edits.
 *
 * | why | |
 * |---|---|
 * | `epoch` | history was replaced: a restore, a branch, another database |
 * | `rewind` | the feed is behind the cursor |
 * | `floor` | tombstones after the cursor were collected |
 * | `scope` | the cursor was made under another scope |
 */
export interface Resync {
  readonly resync: "epoch" | "rewind" | "floor" | "scope";
}

/** One write of a client. Ids count 1, 2, 3 … over the life of the client. */
export type Mutation =
  | (MutationOf<"put"> & KeyValue & Condition & Lost)
  | (MutationOf<"delete"> & { readonly key: string } & Condition & Lost)
  /** `value` is a merge patch (RFC 7396). A record that was never there is made of it. */
  | (MutationOf<"merge"> & KeyValue & { readonly base?: number })
  | (MutationOf<"append"> & { readonly stream: string; readonly event: PushedEvent } & Lost)
  | (MutationOf<"kv.set"> &
      KeyValue & { readonly encoding?: "base64"; readonly expiresAt?: string; readonly hlc?: Hlc } & Lost)
  | (MutationOf<"kv.delete"> & { readonly key: string; readonly hlc?: Hlc } & Lost);

interface MutationOf<Op extends string> {
  readonly id: number;
  readonly op: Op;
}

/**
 * `version` is the least that the state will have: what a restored server has lost comes back with the version that it had. Of an event
 * it is the place that it had: where it was pruned since, it stays away, and counts as applied.
 */
interface Lost {
  readonly version?: number;
}

interface KeyValue {
  readonly key: string;
  readonly value: unknown;
}

/**
 * How a write of a record is decided: by the version that the client last saw, 0 for none; by stamps, the later one wins (with
 * `base` too, a record that was known and is gone stays gone); or by the value that the client believes to be there, as JSON
 * compares, null for no record.
 */
type Condition =
  | { readonly base: number; readonly hlc?: Hlc }
  | { readonly hlc: Hlc; readonly base?: number }
  | { readonly assumed: { readonly value: unknown } | null };

/** The same id twice is the same event. */
export interface PushedEvent {
  readonly id: string;
  readonly payload: unknown;
  readonly type?: string;
  readonly metadata?: unknown;
}

export interface PushBatch {
  readonly client: string;
  /** What the client had seen when it pushed: a client that is too far behind is refused with {@link Resync}. */
  readonly cursor?: Cursor | undefined;
  /** The last mutation whose result the client has. Outcomes up to it are forgotten. */
  readonly ack?: number | undefined;
  /** Keys and streams outside are rejected. */
  readonly scope?: string | undefined;
  /** Without holes. 1 to 500 of them, at most 1 MiB. */
  readonly mutations: readonly Mutation[];
}

/**
 * | status | |
 * |---|---|
 * | `applied` | with the new `version`, and the `seq` that a cursor must reach before a pull shows it |
 * | `duplicate` | it was applied by an earlier push; with `version` as long as nobody wrote there since, and the `seq` of what is there, or `gone` where nothing is, nor a trace |
 * | `conflict` | the condition did not hold. `current` is what is there, unless the answer would grow too large |
 * | `gone` | the client knew a record, and it is gone without a trace: nothing comes back |
 * | `skew` | the stamp is more than 5 minutes ahead of `serverTime` |
 * | `rejected` | it can never be applied; `why` says for what reason |
 */
export interface MutationResult {
  readonly id: number;
  readonly status: "applied" | "duplicate" | "conflict" | "gone" | "rejected" | "skew";
  readonly version?: number;
  readonly seq?: Seq;
  readonly gone?: true;
  readonly current?: CurrentState;
  readonly why?: RejectedReason;
  readonly serverTime?: string;
}

/** `invalid`: not a mutation, or not to be stored. `id-taken`: another event has the id. */
export type RejectedReason = "invalid" | "too-large" | "scope" | "id-taken";

export interface CurrentState {
  readonly key: string;
  readonly value: unknown;
  readonly version: number;
  readonly deleted: boolean;
  readonly updatedAt: string;
  readonly hlc?: Hlc;
  readonly encoding?: "base64";
  readonly expiresAt?: string;
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
  | Resync
  /** Mutations between `lastMutation` and the first of the batch never arrived. */
  | { readonly refused: "gap"; readonly lastMutation: number }
  /**
   * The server never saw this client, and the batch does not begin at 1; or it saw other mutations under these ids, so that
   * there are two copies of the client. Take a new client id and begin at 1.
   */
  | { readonly refused: "unknown-client" }
  /** The client id was first used by another principal. */
  | { readonly refused: "forbidden" };
