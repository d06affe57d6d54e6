import { NotFoundError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { type ProfileInput, profileToJson, revisionOf, type StoredProfile, toProfile } from "./profile.ts";
import type { ProfileCall, ProfileCallOptions, ProfileCalls } from "./profile-call.ts";
import { said } from "./profile-reads.ts";
import { contextToJson, write } from "./profile-writes.ts";
import { otherTenant, tenantOf, tenantOfDocuments } from "./tenant.ts";

/** The profiles of a user, as the serialization engine keeps them. */
export interface UserProfileIndex {
  readonly user_id: string;
  readonly latest_profile_id: string;
  /** In the order in which they were first saved for this user. */
  readonly profile_ids: string[];
  /** When one of them was last saved, in UTC with microseconds. */
  readonly updated_at: string;
}

/**
 * The document repository of PSON5's serialization engine: `createDocumentProfileStoreAdapter(repository)` takes it as it is.
 * Here the caller counts: `metadata.revision` is stored as given.
 */
export interface DocumentRepository {
  readonly kind: "postgres";
  readCurrentProfile(profileId: string, options?: ProfileCallOptions): Promise<StoredProfile | null>;
  /** Stores the document with its audit entry and its place in the look-up. A document that is there already is not logged again. */
  writeCurrentProfile(profile: ProfileInput, options?: ProfileCallOptions): Promise<void>;
  /**
   * Sees to it that the log has this revision of a profile that is there.
   *
   * @throws NotFoundError
   */
  writeProfileRevision(profile: ProfileInput, options?: ProfileCallOptions): Promise<void>;
  /** The revisions in the log since the profile was last deleted, in order. Empty when there is no profile. */
  listProfileRevisionNumbers(profileId: string, options?: ProfileCallOptions): Promise<number[]>;
  /** Null when the user has no profile. */
  readUserProfileIndex(userId: string, options?: ProfileCallOptions): Promise<UserProfileIndex | null>;
  /**
   * Makes `latest_profile_id` the one that the user saved last. Nothing else of the record is stored, and nothing at all when
   * that profile is not this user's: the writes keep the index themselves, so that it is never wrong.
   */
  writeUserProfileIndex(record: UserProfileIndex, options?: ProfileCallOptions): Promise<void>;
}

export function documentRepository(calls: ProfileCalls): DocumentRepository {
  return {
    kind: "postgres",

    async readCurrentProfile(profileId, options) {
      const call: ProfileCall = { operation: "readCurrentProfile", query: "readProfiles", options };
      const ids = JSON.stringify([checkKey(profileId, `${call.operation}: profile_id`)]);
      const [row] = await calls.ask(call, [ids, tenantOf(calls, call), null]);
      calls.emit({ type: "profile:load", ...said(call), profileId, revision: Number(row?.["revision"] ?? 0) });
      return row ? toProfile(row) : null;
    },

    async writeCurrentProfile(profile, options) {
      const call: ProfileCall = { operation: "writeCurrentProfile", query: "putProfile", options };
      const document = profileToJson(profile, call.operation, calls.options.maxBytes);
      const revision = revisionOf(profile, call.operation);
      const { profile_id: profileId } = profile;
      const params = [profileId, document, contextToJson(call), tenantOfDocuments(calls, call, [profile])];
      const [row] = await write(calls, call, params);
      const status = row?.["status"];
      if (status === "forbidden") throw otherTenant(call.operation, { outcome: "rejected" });
      calls.emit({ type: "profile:save", ...said(call), profileId, revision, status: status as "created" | "saved" });
    },

    async writeProfileRevision(profile, options) {
      const call: ProfileCall = { operation: "writeProfileRevision", query: "putRevision", options };
      const document = profileToJson(profile, call.operation, calls.options.maxBytes);
      const revision = revisionOf(profile, call.operation);
      const { profile_id: profileId } = profile;
      const params = [profileId, revision, document, contextToJson(call), tenantOfDocuments(calls, call, [profile])];
      const [row] = await write(calls, call, params);
      if (row?.["status"] === "absent") {
        throw new NotFoundError(`${call.operation}: there is no such profile; write the current one first`);
      }
      calls.emit({ type: "profile:audit", ...said(call), profileId, entries: 1 });
    },

    async listProfileRevisionNumbers(profileId, options) {
      const call: ProfileCall = { operation: "listProfileRevisionNumbers", query: "listRevisions", options };
      const params = [checkKey(profileId, `${call.operation}: profile_id`), tenantOf(calls, call)];
      const rows = await calls.ask(call, params);
      calls.emit({ type: "profile:audit", ...said(call), profileId, entries: rows.length });
      return rows.map((row) => Number(row["revision"]));
    },

    async readUserProfileIndex(userId, options) {
      const call: ProfileCall = { operation: "readUserProfileIndex", query: "findProfiles", options };
      const params = [checkKey(userId, `${call.operation}: user_id`), tenantOf(calls, call), false];
      const rows = await calls.ask(call, params);
      calls.emit({ type: "profile:find", ...said(call), userId, found: rows.length });
      const latest = rows.find((row) => row["last_saved"] === true);
      if (latest === undefined) return null;
      return {
        user_id: userId,
        latest_profile_id: String(latest["profile_id"]),
        profile_ids: rows.map((row) => String(row["profile_id"])),
        updated_at: String(latest["saved_at"]),
      };
    },

    async writeUserProfileIndex({ user_id, latest_profile_id }, options) {
      const call: ProfileCall = { operation: "writeUserProfileIndex", query: "putIndex", options };
      checkKey(user_id, `${call.operation}: user_id`);
      checkKey(latest_profile_id, `${call.operation}: latest_profile_id`);
      await calls.ask(call, [user_id, latest_profile_id, tenantOf(calls, call)]);
      calls.emit({ type: "profile:find", ...said(call), userId: user_id, found: 0 });
    },
  };
}
