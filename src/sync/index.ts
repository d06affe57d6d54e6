/** Sync between replicas. */
export { DEFAULT_SYNC_LIMITS, type SyncLimits } from "./limits.ts";
export type {
  Change,
  ChangePage,
  Cursor,
  Mutation,
  MutationResult,
  PushBatch,
  PushRefusal,
  PushResult,
  Replica,
  Resync,
  Seq,
} from "./replica.ts";
export { type StoreReplicaOptions, storeReplica } from "./store-replica.ts";
