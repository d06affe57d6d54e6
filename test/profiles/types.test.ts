import { describe, expectTypeOf, it } from "vitest";
import type { ProfileInput, ProfileRepository, ProfileStoreAdapter } from "../../src/profiles/index.ts";

/** As the packages of PSON5 declare them: closed interfaces, and options of their own. */
interface EngineProfile {
  pson_version: string;
  profile_id: string;
  user_id: string;
  tenant_id?: string;
  domains: { active: string[]; depth: "light" | "deep" };
  metadata: { confidence: number; created_at: string; updated_at: string; source_count: number; revision: number };
}

interface EngineIndex {
  user_id: string;
  latest_profile_id: string;
  profile_ids: string[];
  updated_at: string;
}

interface EngineRepository {
  kind: string;
  readCurrentProfile(profileId: string): Promise<unknown | null>;
  writeCurrentProfile(profile: EngineProfile): Promise<void>;
  writeProfileRevision(profile: EngineProfile): Promise<void>;
  listProfileRevisionNumbers(profileId: string): Promise<number[]>;
  readUserProfileIndex(userId: string): Promise<EngineIndex | null>;
  writeUserProfileIndex(record: EngineIndex): Promise<void>;
}

interface EngineOptions {
  rootDir?: string;
  adapter?: EngineAdapter;
}

interface EngineAdapter {
  kind: string;
  saveProfile(profile: EngineProfile, options?: EngineOptions): Promise<EngineProfile>;
  loadProfile(profileId: string, options?: EngineOptions): Promise<EngineProfile>;
  profileExists(profileId: string, options?: EngineOptions): Promise<boolean>;
  listProfileRevisions(profileId: string, options?: EngineOptions): Promise<number[]>;
  findProfilesByUserId(userId: string, options?: EngineOptions): Promise<string[]>;
  loadProfileByUserId(userId: string, options?: EngineOptions): Promise<EngineProfile>;
}

describe("the types of PSON5's packages", () => {
  it("take a repository as a document repository", () => {
    expectTypeOf((repository: ProfileRepository): EngineRepository => repository).toBeFunction();
  });

  it("take the adapter as the SDK's store, when it is told their type of a profile", () => {
    expectTypeOf((adapter: ProfileStoreAdapter<EngineProfile>): EngineAdapter => adapter).toBeFunction();
  });

  it("can be saved as they are", () => {
    expectTypeOf((profile: EngineProfile): ProfileInput => profile).toBeFunction();
  });
});
