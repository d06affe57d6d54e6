import { expect, it } from "vitest";
import { ConflictError } from "../../src/errors.ts";
import { numbers, profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeSavingMany(profiles: OpenProfiles): void {
  it("saves them in the order given, also several of one profile", async () => {
    const saved = await profiles().saveMany([
      profile("bulk-b", { n: 1 }),
      profile("bulk-a"),
      profile("bulk-b", { n: 2, user_id: "u2" }),
    ]);
    expect(saved.map(({ metadata }) => metadata.revision)).toEqual([1, 1, 2]);
    expect(await profiles().loadProfile("bulk-b")).toEqual(saved[2]);
    expect(await profiles().verifyAuditChain("bulk-b")).toEqual({ valid: true, entries: 2 });
  });

  it("saves none when one is refused, and names it", async () => {
    await profiles().saveProfile(profile("bulk-there"));
    const saving = profiles().saveMany([profile("bulk-new"), profile("bulk-there")], { expectedRevision: "absent" });
    await expect(saving).rejects.toBeInstanceOf(ConflictError);
    await expect(saving).rejects.toMatchObject({ part: 1, currentVersion: 1, outcome: "rejected" });
    const foreign = profiles().saveMany([profile("bulk-new"), profile("bulk-there", { tenant_id: "x" })]);
    await expect(foreign).rejects.toMatchObject({ code: "forbidden", outcome: "rejected" });
    await expect(foreign).rejects.toThrow(/\[1\]/);
    expect(await profiles().loadMany(["bulk-new"])).toEqual([undefined]);
  });

  it("is done once under one request id", async () => {
    const options = { context: { request_id: "import-1" }, idempotent: true };
    const documents = [profile("bulk-once"), profile("bulk-once", { n: 2 }), profile("bulk-once-2")];
    const first = await profiles().saveMany(documents, options);
    expect(await profiles().saveMany(documents, options)).toEqual(first);
    expect(await profiles().listProfileRevisionNumbers("bulk-once")).toEqual([1, 2]);
    const other = profiles().saveMany([profile("bulk-once", { n: 3 })], options);
    await expect(other).rejects.toMatchObject({ code: "conflict", outcome: "rejected" });
  });

  it("never waits in a circle with another that has them the other way round", async () => {
    const documents = numbers(40).map((n) => profile(`circle-${n}`));
    await Promise.all(numbers(12).map((n) => profiles().saveMany(n % 2 === 0 ? documents : documents.toReversed())));
    expect(await profiles().listProfileRevisionNumbers("circle-1")).toHaveLength(12);
  });
}
