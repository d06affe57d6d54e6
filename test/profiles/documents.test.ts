import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import {
  createPostgresProfileStoreRepository,
  createProfileStoreAdapter,
  type ProfileRepository,
  type StoredProfile,
} from "../../src/profiles/index.ts";
import { documentStoreAdapter } from "./document-store-adapter.ts";
import { withNewProfiles } from "./new-profiles.ts";

/** PSON5 documents with their later revisions, in order. The full file can be named in PROFILES_NDJSON. */
const file = process.env["PROFILES_NDJSON"] ?? new URL("../fixtures/profiles.ndjson", import.meta.url);
const documents: readonly StoredProfile[] = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => JSON.parse(line));

const last = new Map(documents.map((document) => [document.profile_id, document]));
const revisions = groups(documents, "profile_id", (document) => document.metadata.revision);

describe(`${documents.length} documents of ${last.size} profiles and ${new Set(documents.map((d) => d.user_id)).size} users`, () => {
  const counted = withNewProfiles();
  const given = withNewProfiles();
  const adapted = withNewProfiles();
  const imported = withNewProfiles();

  it("are of every kind that text can be", () => {
    const text = documents.map((document) => JSON.stringify(document)).join("\n");
    expect(text).toMatch(/[\u0100-\uffff]/);
    expect(text).toMatch(/\\"/);
  });

  it("get the revisions that they have, and are read back equal", async () => {
    const { repository } = counted();
    for (const document of documents) {
      const saved = await repository.saveProfile(document);
      expect(saved.metadata.revision).toBe(document.metadata.revision);
    }
    await expectEndState(repository);
  });

  it("end up the same through the serialization engine's document repository", async () => {
    const { repository } = given();
    const adapter = documentStoreAdapter(repository);
    for (const document of documents) await adapter.saveProfile(document);
    await expectEndState(repository);
    await expectSameIndex(repository, counted().repository);
  });

  it("end up the same through the SDK's adapter, in one call each", async () => {
    const { database } = adapted();
    const driver = pg(database.postgres);
    const repository = createPostgresProfileStoreRepository({ driver });
    const adapter = createProfileStoreAdapter(repository);
    for (const document of documents) expect(await adapter.saveProfile(document)).toBe(document);
    await expectEndState(repository);
    await expectSameIndex(repository, counted().repository);
    const [first] = documents;
    if (first === undefined) throw new Error("no documents");
    expect(await adapter.loadProfile(first.profile_id)).toEqual(last.get(first.profile_id));
    expect(await adapter.profileExists(first.profile_id)).toBe(true);
    expect(await adapter.profileExists("nobody")).toBe(false);
    expect(await adapter.listProfileRevisions(first.profile_id)).toEqual(revisions.get(first.profile_id));
    expect(await adapter.findProfilesByUserId(first.user_id)).toContain(first.profile_id);
    await driver.close();
  });

  it("end up the same when they are imported in bulk", async () => {
    const { repository } = imported();
    for (let start = 0; start < documents.length; start += 200) {
      await repository.saveMany(documents.slice(start, start + 200));
    }
    await expectEndState(repository);
    await expectSameIndex(repository, counted().repository);
  });
});

async function expectEndState(repository: ProfileRepository): Promise<void> {
  const ids = [...last.keys()];
  for (let start = 0; start < ids.length; start += 500) {
    const part = ids.slice(start, start + 500);
    expect(await repository.loadMany(part)).toEqual(part.map((id) => last.get(id)));
  }
  for (const [id, expected] of revisions) expect(await repository.listProfileRevisionNumbers(id)).toEqual(expected);
  for (const [userId, ids] of groups([...last.values()], "user_id", (document) => document.profile_id)) {
    const found = await repository.findProfilesByUserId(userId);
    expect(found.map((profile) => profile.profile_id).sort()).toEqual([...ids].sort());
  }
  for (const id of ids) expect(await repository.verifyAuditChain(id)).toMatchObject({ valid: true });
}

async function expectSameIndex(repository: ProfileRepository, other: ProfileRepository): Promise<void> {
  for (const userId of new Set(documents.map((document) => document.user_id))) {
    const own = await repository.readUserProfileIndex(userId);
    const its = await other.readUserProfileIndex(userId);
    expect({ ...own, updated_at: "" }).toEqual({ ...its, updated_at: "" });
    const latest = documents.findLast(
      ({ profile_id, user_id }) => user_id === userId && last.get(profile_id)?.user_id === userId,
    );
    if (own !== null) expect(own.latest_profile_id).toBe(latest?.profile_id);
    if (latest) {
      expect((await repository.loadProfileByUserId(userId)).profile_id).toBe(latest.profile_id);
    }
  }
}

/** What `of` gives, by the document's member, in order. */
function groups<T>(list: readonly StoredProfile[], by: "profile_id" | "user_id", of: (document: StoredProfile) => T) {
  const result = new Map<string, T[]>();
  for (const document of list) result.set(document[by], [...(result.get(document[by]) ?? []), of(document)]);
  return result;
}
