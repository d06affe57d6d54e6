import type { DocumentRepository, ProfileInput, StoredProfile } from "../../src/profiles/index.ts";

type Repository = Pick<
  DocumentRepository,
  | "kind"
  | "readCurrentProfile"
  | "writeCurrentProfile"
  | "writeProfileRevision"
  | "listProfileRevisionNumbers"
  | "readUserProfileIndex"
  | "writeUserProfileIndex"
>;

/** Stands in for the serialization engine's adapter over documents: the same calls, one after the other. */
export function documentStoreAdapter(repository: Repository) {
  async function loadProfile(profileId: string): Promise<StoredProfile> {
    const profile = await repository.readCurrentProfile(profileId);
    if (profile === null) throw new Error("profile_not_found");
    return profile;
  }

  return {
    kind: `document:${repository.kind}`,
    loadProfile,
    async saveProfile(profile: ProfileInput): Promise<ProfileInput> {
      const index = await repository.readUserProfileIndex(profile.user_id);
      await repository.writeCurrentProfile(profile);
      await repository.writeProfileRevision(profile);
      await repository.writeUserProfileIndex({
        user_id: profile.user_id,
        latest_profile_id: profile.profile_id,
        profile_ids: [...new Set([...(index?.profile_ids ?? []), profile.profile_id])],
        updated_at: "2026-01-01T00:00:00.000Z",
      });
      return profile;
    },
    async profileExists(profileId: string): Promise<boolean> {
      return (await repository.readCurrentProfile(profileId)) !== null;
    },
    async listProfileRevisions(profileId: string): Promise<number[]> {
      const revisions = await repository.listProfileRevisionNumbers(profileId);
      if (revisions.length === 0) throw new Error("profile_not_found");
      return revisions;
    },
    async findProfilesByUserId(userId: string): Promise<readonly string[]> {
      return (await repository.readUserProfileIndex(userId))?.profile_ids ?? [];
    },
    async loadProfileByUserId(userId: string): Promise<StoredProfile> {
      const index = await repository.readUserProfileIndex(userId);
      if (index === null) throw new Error("profile_not_found");
      return loadProfile(index.latest_profile_id);
    },
  };
}
