import { expect, it } from "vitest";
import { profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeProfileIndex(profiles: OpenProfiles): void {
  const index = (latest_profile_id: string, user_id = "indexed") => {
    return { user_id, latest_profile_id, profile_ids: ["made-up"], updated_at: "2020-01-01" };
  };

  it("moves the latest profile to the front when it is told, and believes nothing else", async () => {
    await profiles().saveMany(["i1", "i2", "i3"].map((id) => profile(id, { user_id: "indexed" })));
    const read = () => profiles().readUserProfileIndex("indexed");
    expect(await read()).toMatchObject({ latest_profile_id: "i3", profile_ids: ["i1", "i2", "i3"] });
    await profiles().writeUserProfileIndex(index("i1"));
    expect(await read()).toMatchObject({ latest_profile_id: "i1", profile_ids: ["i1", "i2", "i3"] });
    await profiles().saveProfile(profile("of-another", { user_id: "another" }));
    for (const id of ["of-another", "made-up"]) await profiles().writeUserProfileIndex(index(id));
    await profiles().writeUserProfileIndex(index("i2"), { tenant: "nobody's" });
    expect(await read()).toMatchObject({ latest_profile_id: "i1" });
    expect(await profiles().readUserProfileIndex("another")).toMatchObject({ profile_ids: ["of-another"] });
    const again = await profiles().loadProfile("i3");
    await profiles().writeCurrentProfile(again);
    expect(await read()).toMatchObject({ latest_profile_id: "i3" });
    expect(await profiles().verifyAuditChain("i3")).toEqual({ valid: true, entries: 1 });
    await profiles().writeUserProfileIndex(index("i1", "nobody"));
    expect(await profiles().readUserProfileIndex("nobody")).toBeNull();
  });
}
