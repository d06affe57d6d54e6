import type { FailedAttempt } from "../driver/retry.ts";
import type { ErrorCode } from "../errors.ts";
import type { SyncEvent } from "./sync-event.ts";

/** What a store tells those who listen. `store` is its name; keys are data, so keep them out of public logs. */
export type StoreEvent =
  | RecordPutEvent
  | RecordDeleteEvent
  | RecordConflictEvent
  | RecordResolveEvent
  | EventAppendEvent
  | EventPruneEvent
  | KvSetEvent
  | KvDeleteEvent
  | QueryEvent
  | RetryEvent
  | ReplicaSkipEvent
  | MigrateEvent
  | WarningEvent
  | SyncEvent;

interface OfStore {
  readonly store: string;
}

export interface RecordPutEvent extends OfStore {
  readonly type: "record:put";
  readonly key: string;
  readonly version: number;
}

export interface RecordDeleteEvent extends OfStore {
  readonly type: "record:delete";
  readonly key: string;
}

/** A write was refused because the record was not at the expected version, or an edit has met a change of a remote. */
export interface RecordConflictEvent extends OfStore {
  readonly type: "record:conflict";
  readonly key: string;
  /** The version that is there; 0 when there is no record. */
  readonly currentVersion: number;
}

/** A conflict that waited for `records.resolve` was decided. */
export interface RecordResolveEvent extends OfStore {
  readonly type: "record:resolve";
  readonly key: string;
  readonly winner: "local" | "remote" | "value";
  /** The record's version now. Absent when it is deleted. */
  readonly version?: number;
}

/** Once per append that wrote something. A repeated append writes nothing. */
export interface EventAppendEvent extends OfStore {
  readonly type: "event:append";
  readonly stream: string;
  /** How many events are new. */
  readonly count: number;
  /** The version of the last of them. */
  readonly version: number;
}

/** Once per prune that deleted something. */
export interface EventPruneEvent extends OfStore {
  readonly type: "event:prune";
  /** Absent when all streams were pruned. */
  readonly stream?: string;
  /** How many events are gone. */
  readonly count: number;
}

/** Once per entry that was written. */
export interface KvSetEvent extends OfStore {
  readonly type: "kv:set";
  readonly key: string;
}

/** Once per entry that was deleted; none for one that expired. */
export interface KvDeleteEvent extends OfStore {
  readonly type: "kv:delete";
  readonly key: string;
}

/** After every call that reached the driver, whether it succeeded or not. */
export interface QueryEvent extends OfStore {
  readonly type: "query";
  /** `records.put`, `events.list` … Never the statement's parameters. */
  readonly operation: string;
  /** In milliseconds, a migration on the way included. */
  readonly durationMs: number;
  readonly ok: boolean;
}

/** An attempt failed and will be followed by another. */
export interface RetryEvent extends OfStore, FailedAttempt {
  readonly type: "retry";
}

/** A read went past a replica, to the next or to the primary. */
export interface ReplicaSkipEvent extends OfStore {
  readonly type: "replica:skip";
  /** Its index in `replicas`. */
  readonly replica: number;
  /** `behind`: it has not seen what the read must see. `failed`: see `code`. */
  readonly reason: "behind" | "failed";
  readonly code?: ErrorCode;
}

/** The schema was brought up to date, or found to be. */
export interface MigrateEvent extends OfStore {
  readonly type: "migrate";
  readonly applied: readonly string[];
  readonly already: number;
}

/**
 * The driver does something otherwise than its URL says: `url-keys-left-out` for keys that a pooler would refuse. Told before
 * the first other event, once. Only for drivers that `createStore` has made.
 */
export interface WarningEvent extends OfStore {
  readonly type: "warning";
  readonly code: "url-keys-left-out";
  /** For people. Holds names, never values. */
  readonly message: string;
}

/** Takes an event. Must neither throw nor wait. */
export type Emit = (event: StoreEvent) => void;
