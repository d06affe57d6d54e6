import type { Listeners } from "../listeners.ts";
import { checkKey } from "../sql/key.ts";
import { type AuditLog, auditLog } from "./audit-log.ts";
import { type DocumentRepository, documentRepository } from "./document-repository.ts";
import { type ProfileRepositoryOptions, type ProfileSource, profileCalls } from "./profile-call.ts";
import { type ProfileEvent, profileListeners } from "./profile-event.ts";
import { type ProfileReads, profileReads } from "./profile-reads.ts";
import { type ProfileWrites, profileWrites } from "./profile-writes.ts";

/**
 * Profiles in Postgres. Every call is one statement, and one round trip; it takes `{ context, signal, timeoutMs, tenant }` and
 * refuses with `ValidationError` what cannot be stored before anything is sent.
 */
export interface ProfileRepository extends ProfileReads, ProfileWrites, AuditLog, DocumentRepository {
  /**
   * Calls `listener` after something happened in this repository object: not what other processes do.
   *
   * @example
   * ```ts
   * const off = repository.on("profile:*", ({ type, context }) => console.log(type, context?.request_id));
   * ```
   */
  readonly on: Listeners<ProfileEvent>["on"];
}

/**
 * A repository over a driver, or over an executor from `createPostgresQueryExecutor`. With an executor the tables must be
 * there: run `schemaSql` of `createPostgresProfileStoreArtifacts` first. Opens nothing and closes nothing.
 *
 * @throws ValidationError when a name cannot be an identifier
 * @example
 * ```ts
 * const repository = createPostgresProfileStoreRepository({ driver: neonHttp(url), tenant: "acme" });
 * const saved = await repository.saveProfile(profile, { context: { request_id }, idempotent: true });
 * ```
 */
export function createPostgresProfileStoreRepository(
  options: ProfileRepositoryOptions & ProfileSource,
): ProfileRepository {
  if (options.tenant !== undefined) checkKey(options.tenant, "tenant");
  const { on, emit } = profileListeners();
  const calls = profileCalls(options, emit);
  return { ...profileReads(calls), ...profileWrites(calls), ...auditLog(calls), ...documentRepository(calls), on };
}
