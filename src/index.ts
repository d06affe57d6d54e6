export { type DriverName, driverForUrl } from "./create-store/driver-for-url.ts";
export type { StoreEventOf, StoreEventPattern, Unsubscribe } from "./create-store/store-listeners.ts";
export type { Capability, PostgresParameters, StoreOptions } from "./create-store/store-options.ts";
export { type StoreOperations, type TransactionResults, transaction } from "./create-store/transaction.ts";
export { createStore, type Store } from "./create-store.ts";
export {
  type FailedAttempt,
  type RetryBatchOptions,
  type RetryCallOptions,
  type RetryingDriver,
  type RetryOptions,
  type RetryPolicy,
  withRetry,
} from "./driver/retry.ts";
export type { BatchOptions, CallOptions, Driver, IsolationLevel, Param, Row, Statement } from "./driver.ts";
export {
  CapabilityError,
  ConflictError,
  ConnectionError,
  type ErrorCode,
  NotFoundError,
  type Outcome,
  PersistError,
  type PersistErrorOptions,
  TimeoutError,
  ValidationError,
  type ValidationErrorOptions,
} from "./errors.ts";
export type { MigrationReport } from "./migrate/migrate.ts";
export { storeSchemaSql } from "./migrate/store-schema-sql.ts";
export type { MigrateMode } from "./migrate/with-migrations.ts";
export type { EventFeed, EventFeedPage, ReadAllOptions } from "./stores/event-feed.ts";
export type { EventPruning, PruneOptions } from "./stores/event-prune.ts";
export type { AppendOptions, EventListOptions, EventStore, StoredEvent } from "./stores/events.ts";
export type { ExpectedVersion } from "./stores/expected-version.ts";
export type { KvEntry, KvStore, SweepOptions } from "./stores/kv.ts";
export type { KvBulk, NewKvEntry } from "./stores/kv-bulk.ts";
export type { IncrementOptions, KvConditional } from "./stores/kv-conditional.ts";
export type { SetOptions } from "./stores/kv-value.ts";
export type { ReadOptions } from "./stores/read-options.ts";
export type { StoredRecord } from "./stores/record.ts";
export type { PutEntry, RecordBulk } from "./stores/record-bulk.ts";
export type {
  ConflictSide,
  ConflictsOptions,
  RecordConflict,
  RecordConflicts,
  ResolveOptions,
  Winner,
} from "./stores/record-conflicts.ts";
export type { ListOptions, RecordListOptions, RecordPredicate } from "./stores/record-list.ts";
export type { MergePatch, PatchOptions } from "./stores/record-patch.ts";
export type { FoundRecord, SearchOptions, SearchPage } from "./stores/record-search.ts";
export type { DeleteOptions, PutOptions, RecordStore } from "./stores/records.ts";
export type { SearchIndex, SearchIndexOptions } from "./stores/search-index.ts";
export type { SqlFragment, SqlValue, StoreSql } from "./stores/sql-tag.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./stores/standard-schema.ts";
export type * from "./stores/store-event.ts";
export type * from "./stores/sync-event.ts";
export type { StoreTransaction } from "./stores/transaction.ts";
export type * from "./stores/transaction-operation.ts";
export type { TypedOptions, TypedRecordStore } from "./stores/typed-records.ts";
export type { WriteOptions } from "./stores/write-once.ts";
