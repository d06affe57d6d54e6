import { expect, it } from "vitest";
import { ConflictError, NotFoundError, ValidationError } from "../../src/errors.ts";
import type { PsonProfile } from "../../src/profiles/index.ts";
import { numbers, profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeProfileSaving(profiles: OpenProfiles): void {
  it("stores the document as given but for metadata.revision", async () => {
    const given = profile("as-given", { metadata: { revision: 7, confidence: 0.5, created_at: "2020-01-01" } });
    const saved = await profiles().saveProfile(given);
    expect(saved).toEqual({ ...given, metadata: { revision: 1, confidence: 0.5, created_at: "2020-01-01" } });
    expect(await profiles().loadProfile("as-given")).toEqual(saved);
  });

  it("makes metadata when there is none", async () => {
    expect(await profiles().saveProfile(profile("bare"))).toMatchObject({ metadata: { revision: 1 } });
  });

  it("keeps every text and number as it was", async () => {
    const parts = {
      text: ["l’été", "\u2028", '\\"', "\u{1f409}", ""],
      numbers: [0, -1.5, 1e-7, 2 ** 53 - 1],
      none: null,
    };
    await profiles().saveProfile(profile("unchanged", parts));
    expect(await profiles().loadProfile("unchanged")).toMatchObject(parts);
  });

  it.each([
    { expected: "absent", exists: true, held: false },
    { expected: 0, exists: true, held: false },
    { expected: 1, exists: true, held: true },
    { expected: 2, exists: true, held: false },
    { expected: "present", exists: true, held: true },
    { expected: "absent", exists: false, held: true },
    { expected: 0, exists: false, held: true },
    { expected: 1, exists: false, held: false },
    { expected: "present", exists: false, held: false },
  ] as const)("with $expected expected on a profile that exists: $exists — saves: $held", async (test) => {
    const id = `expected-${test.expected}-${test.exists}`;
    if (test.exists) await profiles().saveProfile(profile(id));
    const saving = profiles().saveProfile(profile(id, { second: true }), { expectedRevision: test.expected });
    if (test.held) {
      await expect(saving).resolves.toMatchObject({ metadata: { revision: test.exists ? 2 : 1 } });
    } else {
      await expect(saving).rejects.toBeInstanceOf(ConflictError);
      await expect(saving).rejects.toMatchObject({ currentVersion: test.exists ? 1 : 0, outcome: "rejected" });
      if (!test.exists) await expect(profiles().loadProfile(id)).rejects.toBeInstanceOf(NotFoundError);
    }
  });

  it("gives every one of 16 simultaneous first saves a revision of its own", async () => {
    const saved = await Promise.all(numbers(16).map((n) => profiles().saveProfile(profile("crowded", { n }))));
    expect(saved.map(({ metadata }) => metadata.revision).sort((a, b) => a - b)).toEqual(numbers(16));
    expect(await profiles().verifyAuditChain("crowded")).toEqual({ valid: true, entries: 16 });
  });

  it("lets exactly one of 16 savers win who saw the same revision", async () => {
    await profiles().saveProfile(profile("contested"));
    const saves = await Promise.allSettled(
      numbers(16).map((n) => profiles().saveProfile(profile("contested", { n }), { expectedRevision: 1 })),
    );
    expect(saves.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("moves the profile in the look-up when its user changes", async () => {
    await profiles().saveProfile(profile("moving", { user_id: "before" }));
    await profiles().saveProfile(profile("moving", { user_id: "after" }));
    expect(await profiles().findProfilesByUserId("before")).toEqual([]);
    expect(await profiles().findProfilesByUserId("after")).toMatchObject([{ profile_id: "moving", user_id: "after" }]);
  });

  it.each([
    ["no profile_id", { user_id: "u" }],
    ["an empty profile_id", { profile_id: "", user_id: "u" }],
    ["a user_id that is no string", { profile_id: "p", user_id: 1 }],
    ["a tenant_id that is no string", { profile_id: "p", user_id: "u", tenant_id: null }],
    ["metadata that is no object", { profile_id: "p", user_id: "u", metadata: [] }],
    ["NUL in a part", { profile_id: "p", user_id: "u", part: "\0" }],
    ["no object", null],
  ])("refuses %s before anything is sent", async (_, given) => {
    const saving = profiles().saveProfile(given as unknown as PsonProfile);
    await expect(saving).rejects.toBeInstanceOf(ValidationError);
    await expect(saving).rejects.toMatchObject({ outcome: "not-sent" });
  });
}
