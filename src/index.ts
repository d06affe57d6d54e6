export { type DriverName, driverForUrl } from "./create-store/driver-for-url.ts";
export type { StoreEventOf, StoreEventPattern, Unsubscribe } from "./create-store/store-listeners.ts";
export type { Capability, PostgresParameters, StoreOptions } from "./create-store/store-options.ts";
export { createStore, type Store } from "./create-store.ts";
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
} from "./errors.ts";
export type { MigrationReport } from "./migrate/migrate.ts";
export { storeSchemaSql } from "./migrate/store-schema-sql.ts";
export type { MigrateMode } from "./migrate/with-migrations.ts";
export type { AppendOptions, EventListOptions, EventStore, StoredEvent } from "./stores/events.ts";
export type { ExpectedVersion } from "./stores/expected-version.ts";
export type { KvEntry, KvStore, SetOptions } from "./stores/kv.ts";
export type { DeleteOptions, ListOptions, PutOptions, RecordStore, StoredRecord } from "./stores/records.ts";
export type * from "./stores/store-event.ts";
