/** Sync between replicas. */
export type { SyncReport } from "../stores/sync-event.ts";
export {
  type CollectOptions,
  type CollectProgress,
  collectTombstones,
} from "./collect.ts";
export type { DeadLetter } from "./dead-letter.ts";
export { type EnableSyncOptions, enableSync } from "./enable-sync.ts";
export { forgetRemote } from "./forget-remote.ts";
export type {
  SyncAccess,
  SyncAsk,
  SyncDecision,
  SyncGrant,
  SyncHandlerOptions,
} from "./handler/handler-options.ts";
export {
  type FeedPlace,
  type HttpReplica,
  type HttpReplicaOptions,
  httpReplica,
  type PokeOptions,
} from "./http-replica.ts";
export { DEFAULT_MAX_SKEW_MS, DEFAULT_SYNC_LIMITS, type SyncLimits } from "./limits.ts";
export type {
  Change,
  ChangePage,
  CurrentState,
  Cursor,
  EventChange,
  FeedHead,
  Hlc,
  KvChange,
  Mutation,
  MutationResult,
  PullOptions,
  PushBatch,
  PushedEvent,
  PushRefusal,
  PushResult,
  RecordChange,
  RejectedReason,
  Replica,
  Resync,
  Seq,
} from "./replica.ts";
export {
  type PullUnlessHeadOptions,
  type StorePage,
  type StoreReplica,
  type StoreReplicaOptions,
  storeReplica,
  type Unchanged,
} from "./store-replica.ts";
export type { StoreTarget } from "./store-target.ts";
export type { Merge, MergeSides, Strategy } from "./strategy.ts";
export type { FailedOptions, SyncHandle } from "./sync-handle.ts";
export { syncHandler } from "./sync-handler.ts";
export { type SyncOnceOptions, syncOnce } from "./sync-once.ts";
export type { Direction, SyncOptions } from "./sync-options.ts";
export type { Remote } from "./sync-remote.ts";
export type { SyncState, SyncStatus } from "./sync-status.ts";
