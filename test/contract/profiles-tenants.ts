import { beforeAll, expect, it } from "vitest";
import { NotFoundError, PersistError } from "../../src/errors.ts";
import { profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeProfileTenants(profiles: OpenProfiles): void {
  beforeAll(() => profiles().saveProfile(profile("tenanted", { user_id: "shared", tenant_id: "acme" })));

  it("see only their own profiles", async () => {
    expect(await profiles().loadProfile("tenanted", { tenant: "acme" })).toMatchObject({ profile_id: "tenanted" });
    await expect(profiles().loadProfile("tenanted", { tenant: "other" })).rejects.toBeInstanceOf(NotFoundError);
    await expect(profiles().loadChangedProfile("tenanted", "any", { tenant: "other" })).rejects.toThrow(NotFoundError);
    expect(await profiles().findProfilesByUserId("shared", { tenant: "other" })).toEqual([]);
    expect(await profiles().findProfilesByUserId("shared", { tenant: "acme" })).toHaveLength(1);
    const tenant = "other";
    for (const order of ["newest", "oldest"] as const) {
      expect((await profiles().listAuditEntries("tenanted", { tenant, order })).entries).toEqual([]);
    }
    expect(await profiles().verifyAuditChain("tenanted", { tenant })).toEqual({ valid: true, entries: 0 });
    expect(await profiles().listProfileRevisionNumbers("tenanted", { tenant })).toEqual([]);
    expect(await profiles().readUserProfileIndex("shared", { tenant })).toBeNull();
    expect(await profiles().loadMany(["tenanted"], { tenant })).toEqual([undefined]);
    await expect(profiles().loadProfileByUserId("shared", { tenant })).rejects.toBeInstanceOf(NotFoundError);
    expect(await profiles().deleteProfile("tenanted", { tenant })).toBe(false);
  });

  it("cannot take over a profile", async () => {
    const saving = profiles().saveProfile(profile("tenanted", { tenant_id: "other" }));
    await expect(saving).rejects.toBeInstanceOf(PersistError);
    await expect(saving).rejects.toMatchObject({ code: "forbidden", outcome: "rejected" });
    await expect(profiles().saveProfile(profile("tenanted"))).rejects.toMatchObject({ outcome: "rejected" });
    expect(await profiles().loadProfile("tenanted")).toMatchObject({ tenant_id: "acme", metadata: { revision: 1 } });
  });
}
