/** Profiles in Postgres, compatible with the PSON5 Postgres store. */

export type { EventOf, Unsubscribe } from "../listeners.ts";
export {
  createPostgresProfileStoreArtifacts,
  type PostgresProfileStoreArtifacts,
  type PostgresProfileStoreArtifactsOptions,
} from "./artifacts.ts";
export type { AuditOrder } from "./audit-cursor.ts";
export type {
  AuditEntry,
  AuditFault,
  AuditListOptions,
  AuditLog,
  AuditPage,
  AuditPayload,
  AuditVerdict,
} from "./audit-log.ts";
export type { DocumentRepository, UserProfileIndex } from "./document-repository.ts";
export type { ProfileInput, ProfileLike, PsonMetadata, PsonProfile, StoredProfile } from "./profile.ts";
export type { ProfileCallOptions, ProfileContext, ProfileRepositoryOptions, ProfileSource } from "./profile-call.ts";
export type * from "./profile-event.ts";
export type { ChangedProfile, ProfileReads } from "./profile-reads.ts";
export {
  type AdapterCallOptions,
  createProfileStoreAdapter,
  type ProfileStoreAdapter,
  type ProfileStoreAdapterOptions,
} from "./profile-store-adapter.ts";
export type { ProfileDeleteOptions, ProfileSaveOptions, ProfileWrites } from "./profile-writes.ts";
export type { ProfileNames, ProfileQueries } from "./queries.ts";
export {
  createPostgresQueryExecutor,
  type PostgresQueryExecutor,
  type Queryable,
  type UnsafeQueryable,
} from "./query-executor.ts";
export { createPostgresProfileStoreRepository, type ProfileRepository } from "./repository.ts";
export type { Span, Tracer } from "./tracer.ts";
