/** Profiles in Postgres, compatible with the PSON5 Postgres store. */
export { createPostgresProfileStoreArtifacts, type PostgresProfileStoreArtifacts } from "./artifacts.ts";
export type { PsonMetadata, PsonProfile, StoredProfile } from "./profile.ts";
export type { ProfileNames, ProfileQueries } from "./queries.ts";
export {
  createPostgresQueryExecutor,
  type PostgresQueryExecutor,
  type Queryable,
  type UnsafeQueryable,
} from "./query-executor.ts";
export {
  type ChangedProfile,
  createPostgresProfileStoreRepository,
  type ProfileCallOptions,
  type ProfileContext,
  type ProfileReadOptions,
  type ProfileRepository,
  type ProfileRepositoryOptions,
  type ProfileSaveOptions,
} from "./repository.ts";
