import { expect, it } from "vitest";
import { profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeProfileDeletion(profiles: OpenProfiles): void {
  it.each([
    { expected: undefined, exists: true, answer: true },
    { expected: 1, exists: true, answer: true },
    { expected: "present", exists: true, answer: true },
    { expected: 2, exists: true, answer: "conflict" },
    { expected: undefined, exists: false, answer: false },
    { expected: 0, exists: false, answer: false },
    { expected: 1, exists: false, answer: "conflict" },
    { expected: "present", exists: false, answer: "conflict" },
  ] as const)("with $expected expected on one that exists: $exists — $answer", async ({ expected, exists, answer }) => {
    const id = `delete-${expected}-${exists}`;
    if (exists) await profiles().saveProfile(profile(id));
    const deleting = profiles().deleteProfile(id, { expectedRevision: expected });
    if (answer === "conflict") await expect(deleting).rejects.toMatchObject({ currentVersion: exists ? 1 : 0 });
    else expect(await deleting).toBe(answer);
    expect((await profiles().loadMany([id]))[0] !== undefined).toBe(exists && answer !== true);
  });

  it("lets a later save begin a second chain and go on with the revisions", async () => {
    await profiles().saveProfile(profile("again"));
    await profiles().saveProfile(profile("again"));
    expect(await profiles().deleteProfile("again")).toBe(true);
    expect(await profiles().deleteProfile("again")).toBe(false);
    expect(await profiles().findProfilesByUserId("u1")).not.toContainEqual(
      expect.objectContaining({ profile_id: "again" }),
    );
    expect(await profiles().listProfileRevisionNumbers("again")).toEqual([]);

    const saved = await profiles().saveProfile(profile("again"), { expectedRevision: "absent" });
    expect(saved.metadata.revision).toBe(3);
    const { entries } = await profiles().listAuditEntries("again", { order: "oldest" });
    expect(entries.map(({ chain, action, revision }) => [chain, action, revision])).toEqual([
      [1, "save", 1],
      [1, "save", 2],
      [1, "delete", 2],
      [2, "save", 3],
    ]);
    expect(await profiles().listProfileRevisionNumbers("again")).toEqual([3]);
    expect(await profiles().verifyAuditChain("again")).toEqual({ valid: true, entries: 4 });
    await profiles().deleteProfile("again");
    expect(await profiles().verifyAuditChain("again")).toEqual({ valid: true, entries: 5 });
  });

  it("keeps the id with its tenant", async () => {
    await profiles().saveProfile(profile("kept", { tenant_id: "a" }));
    await profiles().deleteProfile("kept");
    await expect(profiles().saveProfile(profile("kept", { tenant_id: "b" }))).rejects.toMatchObject({
      code: "forbidden",
    });
    await expect(profiles().saveProfile(profile("kept"))).rejects.toMatchObject({ code: "forbidden" });
    expect((await profiles().saveProfile(profile("kept", { tenant_id: "a" }))).metadata.revision).toBe(2);
  });
}
