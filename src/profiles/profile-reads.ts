import type { Row } from "../driver.ts";
import { NotFoundError, ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { isRevision, type StoredProfile, toProfile } from "./profile.ts";
import type { ProfileCall, ProfileCallOptions, ProfileCalls } from "./profile-call.ts";
import { tenantOf } from "./tenant.ts";

/** A profile that the caller may have already: `unchanged` came without its document. */
export type ChangedProfile =
  | { readonly status: "changed"; readonly revision: number; readonly profile: StoredProfile }
  | { readonly status: "unchanged"; readonly revision: number };

export interface ProfileReads {
  /** @throws NotFoundError */
  loadProfile(profileId: string, options?: ProfileCallOptions): Promise<StoredProfile>;
  /** Up to 500 at once, each where its id stands; undefined for one that does not exist. */
  loadMany(profileIds: readonly string[], options?: ProfileCallOptions): Promise<(StoredProfile | undefined)[]>;
  /**
   * Loads the document unless its revision is one of `knownRevisions`, or whatever it is with `"any"`: then the document
   * does not leave the database.
   *
   * @throws NotFoundError
   */
  loadChangedProfile(
    profileId: string,
    knownRevisions: readonly number[] | "any",
    options?: ProfileCallOptions,
  ): Promise<ChangedProfile>;
  /** The profiles of a user in the order in which they were first saved for that user. Empty when there is none. */
  findProfilesByUserId(userId: string, options?: ProfileCallOptions): Promise<StoredProfile[]>;
  /**
   * The profile that the user saved last.
   *
   * @throws NotFoundError
   */
  loadProfileByUserId(userId: string, options?: ProfileCallOptions): Promise<StoredProfile>;
}

/** How many ids one call may name. */
const MAX_IDS = 500;

export function profileReads(calls: ProfileCalls): ProfileReads {
  /** Rows by id, of which each id has one at most. */
  async function read(call: ProfileCall, ids: readonly string[], known: string | null): Promise<Map<string, Row>> {
    const rows = await calls.ask(call, [JSON.stringify(ids), tenantOf(calls, call), known]);
    const found = new Map(rows.map((row) => [String(row["profile_id"]), row]));
    for (const profileId of ids) {
      const revision = Number(found.get(profileId)?.["revision"] ?? 0);
      calls.emit({ type: "profile:load", ...said(call), profileId, revision });
    }
    return found;
  }

  async function readOne(operation: string, id: string, known: string | null, options?: ProfileCallOptions) {
    checkKey(id, `${operation}: profile_id`);
    const row = (await read({ operation, query: "readProfiles", options }, [id], known)).get(id);
    if (row === undefined) throw new NotFoundError(`${operation}: there is no such profile`);
    return row;
  }

  return {
    async loadProfile(profileId, options) {
      return toProfile(await readOne("loadProfile", profileId, null, options));
    },

    async loadMany(profileIds, options) {
      const ids = checkIds(profileIds);
      if (ids.length === 0) return [];
      const found = await read({ operation: "loadMany", query: "readProfiles", options }, ids, null);
      return profileIds.map((id) => {
        const row = found.get(id);
        return row && toProfile(row);
      });
    },

    async loadChangedProfile(profileId, knownRevisions, options) {
      const row = await readOne("loadChangedProfile", profileId, checkKnown(knownRevisions), options);
      const revision = Number(row["revision"]);
      return row["document"] === null
        ? { status: "unchanged", revision }
        : { status: "changed", revision, profile: toProfile(row) };
    },

    async findProfilesByUserId(userId, options) {
      const call: ProfileCall = { operation: "findProfilesByUserId", query: "findProfiles", options };
      const params = [checkKey(userId, `${call.operation}: user_id`), tenantOf(calls, call), true];
      const rows = await calls.ask(call, params);
      calls.emit({ type: "profile:find", ...said(call), userId, found: rows.length });
      return rows.map(toProfile);
    },

    async loadProfileByUserId(userId, options) {
      const call: ProfileCall = { operation: "loadProfileByUserId", query: "readLatestProfile", options };
      const params = [checkKey(userId, `${call.operation}: user_id`), tenantOf(calls, call)];
      const rows = await calls.ask(call, params);
      calls.emit({ type: "profile:find", ...said(call), userId, found: rows.length });
      const [row] = rows;
      if (row === undefined) throw new NotFoundError(`${call.operation}: the user has no profile`);
      return toProfile(row);
    },
  };
}

/** What every event says of its call. */
export function said({ operation, options }: ProfileCall) {
  return { operation, context: options?.context };
}

function checkIds(profileIds: readonly string[]): readonly string[] {
  if (!Array.isArray(profileIds) || profileIds.length > MAX_IDS) {
    throw new ValidationError(`loadMany: give an array of at most ${MAX_IDS} ids; for more, call it again`);
  }
  return [...new Set(profileIds.map((id: string) => checkKey(id, "loadMany: profile_id")))];
}

function checkKnown(known: readonly number[] | "any"): string {
  if (known === "any") return known;
  if (Array.isArray(known) && known.every(isRevision)) return JSON.stringify(known);
  throw new ValidationError('loadChangedProfile: knownRevisions must be an array of whole numbers, or "any"');
}
