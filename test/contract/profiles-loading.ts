import { expect, it } from "vitest";
import { NotFoundError } from "../../src/errors.ts";
import { createProfileStoreAdapter } from "../../src/profiles/index.ts";
import { profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeProfileLoading(profiles: OpenProfiles): void {
  it("leaves the document in the database when its revision is known", async () => {
    await profiles().saveProfile(profile("known"));
    expect(await profiles().loadChangedProfile("known", [3, 1])).toEqual({ status: "unchanged", revision: 1 });
    expect(await profiles().loadChangedProfile("known", "any")).toEqual({ status: "unchanged", revision: 1 });
    expect(await profiles().loadChangedProfile("known", [2])).toMatchObject({ status: "changed", revision: 1 });
    expect(await profiles().loadChangedProfile("known", [])).toMatchObject({ profile: { profile_id: "known" } });
  });

  it("gives many in the order asked for, with gaps where there is none", async () => {
    const saved = await profiles().saveMany([profile("many-1"), profile("many-2")]);
    const ids = ["many-2", "many-3", "many-1", "many-2"];
    expect(await profiles().loadMany(ids)).toEqual([saved[1], undefined, saved[0], saved[1]]);
  });

  it("fails with not-found, without naming the profile", async () => {
    const loading = profiles().loadProfile("nobody-knows");
    await expect(loading).rejects.toBeInstanceOf(NotFoundError);
    await expect(loading).rejects.not.toThrow(/nobody-knows/);
  });

  it("works through the SDK's adapter too", async () => {
    const adapter = createProfileStoreAdapter(profiles());
    const document = { ...profile("adapted", { user_id: "adapter" }), metadata: { revision: 1 } };
    expect(await adapter.saveProfile(document)).toBe(document);
    expect(await adapter.loadProfile("adapted")).toEqual(document);
    expect(await adapter.loadProfileByUserId("adapter")).toEqual(document);
    expect(await adapter.findProfilesByUserId("adapter")).toEqual(["adapted"]);
    expect(await adapter.listProfileRevisions("adapted")).toEqual([1]);
    expect([await adapter.profileExists("adapted"), await adapter.profileExists("nobody")]).toEqual([true, false]);
  });
}
