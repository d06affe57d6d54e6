import type { Param } from "../driver.ts";
import { ConflictError, PersistError, ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey, checkPrefix } from "../sql/key.ts";
import { exceedsBytes } from "../sql/utf8.ts";
import { isRevision, type ProfileInput, profileToJson, type StoredProfile, withRevision } from "./profile.ts";
import type { ProfileCall, ProfileCallOptions, ProfileCalls, ProfileContext } from "./profile-call.ts";
import { said } from "./profile-reads.ts";
import { explainRls, otherTenant, tenantOf, tenantOfDocuments } from "./tenant.ts";

export interface ProfileSaveOptions extends ProfileCallOptions {
  /** The revision the caller last saw; `"absent"` (or 0) for a new profile, `"present"` for any that exists. */
  readonly expectedRevision?: number | "absent" | "present" | undefined;
  /**
   * Makes `context.request_id` the key of this save: sent again with the same one, it is not done again and answers with the
   * revision of the first time. For a retry after an `unknown` outcome. The same key for another document of that profile is a
   * `PersistError` with code `conflict` that has no `currentVersion`. Keys are kept, as a hash, for as long as the log.
   */
  readonly idempotent?: boolean | undefined;
}

export interface ProfileDeleteOptions extends ProfileCallOptions {
  /** The revision the caller last saw, or `"present"` for any that exists. */
  readonly expectedRevision?: number | "present" | undefined;
}

export interface ProfileWrites {
  /**
   * Stores the document with the next revision in `metadata.revision` and nothing else changed, together with its audit
   * entry and its place in the look-up by user. Returns the document as stored. Revisions go on after a deletion.
   *
   * Fails with {@link ConflictError} (`currentVersion` is the revision that is there, 0 for none), with `ValidationError`
   * for a document that cannot be stored, and with a `PersistError` of code `forbidden` when the
   * profile belongs to another tenant than the document: `tenant_id` never changes.
   */
  saveProfile(profile: ProfileInput, options?: ProfileSaveOptions): Promise<StoredProfile>;
  /**
   * Saves up to 500 documents, together at most 8 MiB of JSON, in the order given, all or none. The options hold for each of
   * them. The {@link ConflictError} says which one by its `part`.
   */
  saveMany(profiles: readonly ProfileInput[], options?: ProfileSaveOptions): Promise<StoredProfile[]>;
  /**
   * Removes the profile and its place in the look-up, erases the payloads of its audit entries, and leaves a tombstone without
   * personal data in the log, which can still be verified. False when there was none and none was expected.
   *
   * @throws ConflictError when the profile is not at the expected revision
   */
  deleteProfile(profileId: string, options?: ProfileDeleteOptions): Promise<boolean>;
}

const MAX_PROFILES = 500;
const MAX_TOTAL_BYTES = 8 * 1024 * 1024;

export function profileWrites(calls: ProfileCalls): ProfileWrites {
  return {
    async saveProfile(profile, options) {
      const call: ProfileCall = { operation: "saveProfile", query: "saveProfile", options };
      const document = profileToJson(profile, call.operation, calls.options.maxBytes);
      const { profile_id: profileId } = profile;
      const params = [
        ...conditionsOf(call),
        contextToJson(call),
        tenantOfDocuments(calls, call, [profile]),
        keyOf(call),
      ];
      const [row] = await write(calls, call, [profileId, document, ...params]);
      const revision = Number(row?.["revision"]);
      const status = row?.["status"];
      if (!isSaved(status)) throw refused(calls, call, { profileId, status, revision });
      calls.emit({ type: "profile:save", ...said(call), profileId, revision, status });
      return withRevision(JSON.parse(document), revision);
    },

    async saveMany(profiles, options) {
      const call: ProfileCall = { operation: "saveMany", query: "saveProfiles", options };
      if (!Array.isArray(profiles) || profiles.length > MAX_PROFILES) {
        throw new ValidationError(
          `saveMany: give an array of at most ${MAX_PROFILES} profiles; for more, call it again`,
        );
      }
      const documents = profiles.map((profile: ProfileInput, part) =>
        profileToJson(profile, `saveMany: [${part}]`, calls.options.maxBytes),
      );
      const params = [
        ...conditionsOf(call),
        contextToJson(call),
        tenantOfDocuments(calls, call, profiles),
        keyOf(call),
      ];
      if (documents.length === 0) return [];
      const rows = await write(calls, call, [joined(documents), ...params]).catch((error: unknown) => {
        throw refusedPart(calls, call, profiles, error);
      });
      return documents.map((document, part) => {
        const profile = withRevision(JSON.parse(document), Number(rows[part]?.["revision"]));
        const { profile_id: profileId, metadata } = profile;
        const status = rows[part]?.["status"] as Saved;
        calls.emit({ type: "profile:save", ...said(call), profileId, revision: metadata.revision, status });
        return profile;
      });
    },

    async deleteProfile(profileId, options) {
      const call: ProfileCall = { operation: "deleteProfile", query: "deleteProfile", options };
      checkKey(profileId, "deleteProfile: profile_id");
      const [row] = await calls.ask(call, [profileId, ...conditionsOf(call), tenantOf(calls, call)]);
      const revision = Number(row?.["revision"]);
      const status = row?.["status"];
      if (status === "conflict") throw refused(calls, call, { profileId, status, revision });
      if (status === "deleted") calls.emit({ type: "profile:delete", ...said(call), profileId, revision });
      return status === "deleted";
    },
  };
}

/** Sends a statement that writes a document. */
export async function write(calls: ProfileCalls, call: ProfileCall, params: readonly Param[]) {
  try {
    return await calls.ask(call, params);
  } catch (error) {
    throw explainRls(calls, call, error);
  }
}

/** @throws ValidationError when what is to be recorded is not text */
export function contextToJson({ operation, options }: ProfileCall): string {
  const { actor, request_id, trace_id }: ProfileContext = options?.context ?? {};
  const recorded = Object.entries({ actor, request_id, trace_id }).filter(([, value]) => value !== undefined);
  for (const [name, value] of recorded) checkPrefix(value as string, `${operation}: context.${name}`);
  return toJson(Object.fromEntries(recorded), `${operation}: context`);
}

type Saved = "created" | "saved" | "repeated";

function isSaved(status: unknown): status is Saved {
  return status === "created" || status === "saved" || status === "repeated";
}

function conditionsOf({ operation, options }: ProfileCall): readonly [Param] {
  const expected = (options as ProfileSaveOptions | undefined)?.expectedRevision;
  if (expected === undefined) return [null];
  if (expected === "absent") return ["0"];
  if (expected === "present" || isRevision(expected)) return [String(expected)];
  throw new ValidationError(`${operation}: expectedRevision must be a whole number from 0 up, "absent" or "present"`);
}

function keyOf({ operation, options }: ProfileCall): Param {
  const { idempotent, context } = (options ?? {}) as ProfileSaveOptions;
  if (!idempotent) return null;
  if (context?.request_id !== undefined) return checkKey(context.request_id, `${operation}: context.request_id`);
  throw new ValidationError(`${operation}: idempotent needs context.request_id, the same for each attempt`);
}

function joined(documents: readonly string[]): string {
  const text = `[${documents.join(",")}]`;
  if (!exceedsBytes(text, MAX_TOTAL_BYTES)) return text;
  throw new ValidationError(
    `saveMany: the profiles are larger than ${MAX_TOTAL_BYTES} bytes as JSON; save fewer at once`,
  );
}

interface Refusal {
  readonly profileId: string;
  readonly status: unknown;
  readonly revision: number;
  readonly part?: number | undefined;
}

function refused(calls: ProfileCalls, call: ProfileCall, { profileId, status, revision, part }: Refusal): PersistError {
  const which = part === undefined ? call.operation : `${call.operation}: [${part}]`;
  if (status === "forbidden") return otherTenant(which, { outcome: "rejected" });
  if (status === "key-reused") {
    const message = `${which}: the request id was used for another document of this profile; take a new one`;
    return new PersistError("conflict", message, { outcome: "rejected" });
  }
  calls.emit({ type: "profile:conflict", ...said(call), profileId, currentRevision: revision });
  const now = revision === 0 ? "the profile does not exist" : `the profile is at revision ${revision}`;
  const message = `${which}: ${now}, which is not what was expected; load it and try again`;
  return new ConflictError(message, { currentVersion: revision, part });
}

/** What `save_profiles` raises when it refuses a document: `{"part":3,"status":"conflict","revision":7}` in DETAIL. */
const REFUSED_PART = "OT003";

function refusedPart(
  calls: ProfileCalls,
  call: ProfileCall,
  profiles: readonly ProfileInput[],
  error: unknown,
): unknown {
  if (!(error instanceof PersistError) || error.sqlstate !== REFUSED_PART) return error;
  const { detail } = (error.cause ?? {}) as { readonly detail?: string };
  const { part, status, revision } = JSON.parse(detail ?? "{}") as Omit<Refusal, "profileId">;
  return refused(calls, call, { profileId: profiles[part ?? 0]?.profile_id ?? "", status, revision, part });
}
