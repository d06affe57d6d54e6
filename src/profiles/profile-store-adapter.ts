import { NotFoundError, PersistError } from "../errors.ts";
import type { DocumentRepository } from "./document-repository.ts";
import type { ProfileInput, StoredProfile } from "./profile.ts";
import type { ProfileCallOptions } from "./profile-call.ts";
import type { ProfileReads } from "./profile-reads.ts";

/** What the PSON5 SDK asks of a store. One round trip per call. `Profile` is the application's type of a document. */
export interface ProfileStoreAdapter<Profile extends ProfileInput = StoredProfile> {
  readonly kind: string;
  /** Stores the document with the revision that it names, and returns it. */
  saveProfile(profile: Profile, options?: AdapterCallOptions): Promise<Profile>;
  loadProfile(profileId: string, options?: AdapterCallOptions): Promise<Profile>;
  profileExists(profileId: string, options?: AdapterCallOptions): Promise<boolean>;
  /** In order. Fails for a profile that does not exist, as `loadProfile` does. */
  listProfileRevisions(profileId: string, options?: AdapterCallOptions): Promise<number[]>;
  /** Ids, in the order in which the profiles were first saved for that user. */
  findProfilesByUserId(userId: string, options?: AdapterCallOptions): Promise<string[]>;
  /** The profile that the user saved last. */
  loadProfileByUserId(userId: string, options?: AdapterCallOptions): Promise<Profile>;
}

export interface AdapterCallOptions extends ProfileCallOptions {
  /** For stores of files. Ignored here, as is whatever else the SDK hands through. */
  readonly rootDir?: string | undefined;
}

export interface ProfileStoreAdapterOptions {
  /**
   * Makes the error for a profile that does not exist. Default the `NotFoundError` of this package. The serialization engine
   * looks for its own before it saves a new profile: `(message) => new ProfileStoreError("profile_not_found", message)`.
   */
  readonly notFound?: ((message: string) => Error) | undefined;
}

/**
 * A repository as the PSON5 SDK takes it: `createPsonSdk({ store: createProfileStoreAdapter<PsonProfile>(repository) })`, with
 * the SDK's type, whose documents are not checked here. Unlike the adapter
 * over documents it saves with one statement, so that a profile, its log and the look-up by user are never out of step.
 */
export function createProfileStoreAdapter<Profile extends ProfileInput = StoredProfile>(
  repository: ProfileReads & DocumentRepository,
  { notFound }: ProfileStoreAdapterOptions = {},
): ProfileStoreAdapter<Profile> {
  /** The caller says what its documents are. */
  async function load(loading: Promise<ProfileInput>): Promise<Profile> {
    try {
      return (await loading) as Profile;
    } catch (error) {
      throw notFound && isNotFound(error) ? notFound(error.message) : error;
    }
  }

  return {
    kind: repository.kind,
    async saveProfile(profile, options) {
      await repository.writeCurrentProfile(profile, options);
      return profile;
    },
    loadProfile: (profileId, options) => load(repository.loadProfile(profileId, options)),
    async profileExists(profileId, options) {
      try {
        await repository.loadChangedProfile(profileId, "any", options);
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    },
    async listProfileRevisions(profileId, options) {
      const revisions = await repository.listProfileRevisionNumbers(profileId, options);
      if (revisions.length > 0) return revisions;
      const message = "listProfileRevisions: there is no such profile";
      throw notFound?.(message) ?? new NotFoundError(message);
    },
    async findProfilesByUserId(userId, options) {
      return [...((await repository.readUserProfileIndex(userId, options))?.profile_ids ?? [])];
    },
    loadProfileByUserId: (userId, options) => load(repository.loadProfileByUserId(userId, options)),
  };
}

function isNotFound(error: unknown): error is PersistError {
  return error instanceof PersistError && error.code === "not-found";
}
