import type { CallOptions, Driver, Param, Row, Statement } from "../driver.ts";
import { ConflictError, NotFoundError, PersistError, ValidationError } from "../errors.ts";
import { profileMigrations } from "../migrate/embedded.ts";
import { type MigrateMode, withMigrations } from "../migrate/with-migrations.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { profileNames } from "./artifacts.ts";
import { executorError } from "./executor-error.ts";
import { type PsonProfile, profileToJson, type StoredProfile, withRevision } from "./profile.ts";
import { type ProfileNames, profileQueries } from "./queries.ts";
import type { PostgresQueryExecutor } from "./query-executor.ts";

/** Who asks, and in which request. Recorded with each save. */
export interface ProfileContext {
  readonly actor?: string | undefined;
  readonly request_id?: string | undefined;
  readonly trace_id?: string | undefined;
  readonly [name: string]: unknown;
}

export interface ProfileCallOptions extends CallOptions {
  readonly context?: ProfileContext | undefined;
}

export interface ProfileReadOptions extends ProfileCallOptions {
  /** Only profiles of this tenant exist for the call. Part of the statement, not a filter over its result. */
  readonly tenant?: string | undefined;
}

export interface ProfileSaveOptions extends ProfileCallOptions {
  /** The revision the caller last saw; `"absent"` (or 0) for a new profile, `"present"` for any that exists. */
  readonly expectedRevision?: number | "absent" | "present" | undefined;
}

/** A profile that the caller may have already: `unchanged` came without its document. */
export type ChangedProfile =
  | { readonly status: "changed"; readonly revision: number; readonly profile: StoredProfile }
  | { readonly status: "unchanged"; readonly revision: number };

/** Profiles in Postgres. Every call is one statement, and one round trip. */
export interface ProfileRepository {
  /** @throws NotFoundError */
  loadProfile(profileId: string, options?: ProfileReadOptions): Promise<StoredProfile>;
  /**
   * Loads the document unless its revision is one of `knownRevisions`, or whatever it is with `"any"`: then the document
   * does not leave the database.
   *
   * @throws NotFoundError
   */
  loadChangedProfile(
    profileId: string,
    knownRevisions: readonly number[] | "any",
    options?: ProfileReadOptions,
  ): Promise<ChangedProfile>;
  /**
   * Stores the document with the next revision in `metadata.revision` and nothing else changed, together with its audit
   * entry and its place in the look-up by user. Returns the document as stored.
   *
   * Fails with {@link ConflictError} (`currentVersion` is the revision that is there, 0 for none), with `ValidationError`
   * for a document that cannot be stored, and with a `PersistError` of code `forbidden` when the
   * profile belongs to another tenant than the document: `tenant_id` never changes.
   */
  saveProfile(profile: PsonProfile, options?: ProfileSaveOptions): Promise<StoredProfile>;
  /** The profiles of a user, by profile id. Empty when there is none. */
  findProfilesByUserId(userId: string, options?: ProfileReadOptions): Promise<StoredProfile[]>;
}

export interface ProfileRepositoryOptions extends Partial<ProfileNames> {
  /** Creates and brings forward the tables on first use. Only with a driver. Default `auto`. */
  readonly migrate?: MigrateMode | undefined;
  /** The largest document, in bytes of JSON. Default 1 MiB. */
  readonly maxBytes?: number | undefined;
}

/**
 * A repository over a driver, or over an executor from `createPostgresQueryExecutor`. With an executor the tables must be
 * there: run `schemaSql` of `createPostgresProfileStoreArtifacts` first. Opens nothing and closes nothing.
 *
 * @throws ValidationError when a name cannot be an identifier
 */
export function createPostgresProfileStoreRepository(
  options: ProfileRepositoryOptions & ({ readonly exec: PostgresQueryExecutor } | { readonly driver: Driver }),
): ProfileRepository {
  const names = profileNames(options);
  const queries = profileQueries(names);
  const run = runner(options, names);

  async function loadChangedProfile(
    profileId: string,
    knownRevisions: readonly number[] | "any",
    options: ProfileReadOptions = {},
  ): Promise<ChangedProfile> {
    const known = knownRevisions === "any" ? null : JSON.stringify(knownRevisions);
    const params = [checkKey(profileId, "loadProfile: profile_id"), tenantOf(options), known];
    const [row] = await run({ text: queries.loadChangedProfile, params }, options);
    if (!row) throw notFound();
    return row["document"] === null
      ? { status: "unchanged", revision: Number(row["revision"]) }
      : { status: "changed", revision: Number(row["revision"]), profile: toProfile(row) };
  }

  return {
    loadChangedProfile,

    async loadProfile(profileId, options = {}) {
      const params = [checkKey(profileId, "loadProfile: profile_id"), tenantOf(options)];
      const [row] = await run({ text: queries.loadProfile, params }, options);
      if (!row) throw notFound();
      return toProfile(row);
    },

    async saveProfile(profile, saveOptions = {}) {
      const document = profileToJson(profile, "saveProfile", options.maxBytes);
      const expected = expectation(saveOptions.expectedRevision);
      const params = [profile.profile_id, document, expected, contextToJson(saveOptions.context)];
      const [row] = await run({ text: queries.saveProfile, params }, saveOptions);
      const revision = Number(row?.["revision"]);
      if (row?.["status"] === "saved") return withRevision(JSON.parse(document), revision);
      throw row?.["status"] === "forbidden" ? otherTenant() : conflict(revision);
    },

    async findProfilesByUserId(userId, options = {}) {
      const params = [checkKey(userId, "findProfilesByUserId: user_id"), tenantOf(options)];
      return (await run({ text: queries.findProfilesByUserId, params }, options)).map(toProfile);
    },
  };
}

type Run = (statement: Statement, options: CallOptions) => Promise<readonly Row[]>;

function runner(
  options: ProfileRepositoryOptions & ({ readonly exec: PostgresQueryExecutor } | { readonly driver: Driver }),
  names: ProfileNames,
): Run {
  if ("driver" in options) {
    const mode = options.migrate ?? "auto";
    const driver = withMigrations(options.driver, { mode, set: profileMigrations, names });
    return (statement, { signal, timeoutMs }) => driver.query(statement, { signal, timeoutMs });
  }
  const { exec } = options;
  return async ({ text, params }, { signal }) => {
    if (signal?.aborted) {
      throw new PersistError("aborted", "profiles: given up by the caller; nothing was sent", { outcome: "not-sent" });
    }
    try {
      return (await exec(text, params)).rows;
    } catch (error) {
      throw executorError(error);
    }
  };
}

function toProfile(row: Row): StoredProfile {
  const document = row["document"];
  // An executor may hand jsonb over as text; a document is never a JSON string, so there is no doubt.
  return (typeof document === "string" ? JSON.parse(document) : document) as StoredProfile;
}

function tenantOf({ tenant }: ProfileReadOptions): Param {
  return tenant === undefined ? null : checkKey(tenant, "tenant");
}

function expectation(expected: ProfileSaveOptions["expectedRevision"]): Param {
  if (expected === undefined) return null;
  if (expected === "absent") return "0";
  if (expected === "present" || (Number.isSafeInteger(expected) && expected >= 0)) return String(expected);
  throw new ValidationError('saveProfile: expectedRevision must be a whole number from 0 up, "absent" or "present"');
}

function contextToJson({ actor, request_id, trace_id }: ProfileContext = {}): string {
  const given = Object.entries({ actor, request_id, trace_id }).filter(([, value]) => value !== undefined);
  return toJson(Object.fromEntries(given), "saveProfile: context");
}

function notFound(): NotFoundError {
  return new NotFoundError("loadProfile: there is no such profile");
}

function conflict(currentVersion: number): ConflictError {
  const now = currentVersion === 0 ? "the profile does not exist" : `the profile is at revision ${currentVersion}`;
  return new ConflictError(`saveProfile: ${now}, which is not what was expected; load it and try again`, {
    currentVersion,
  });
}

function otherTenant(): PersistError {
  return new PersistError("forbidden", "saveProfile: the profile belongs to another tenant; tenant_id never changes", {
    outcome: "rejected",
  });
}
