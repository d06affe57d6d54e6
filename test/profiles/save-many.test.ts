import { describe, expect, it } from "vitest";
import { ConflictError } from "../../src/errors.ts";
import type { StoredProfile } from "../../src/profiles/index.ts";
import { profile, withNewProfiles } from "./new-profiles.ts";

const profiles = withNewProfiles();

describe("saving many profiles", () => {
  const revisionsOf = (saved: readonly StoredProfile[]) => saved.map(({ metadata }) => metadata.revision);

  it("saves them in the order given, also several of one profile", async () => {
    const saved = await profiles().repository.saveMany([
      profile("bulk-b", { n: 1 }),
      profile("bulk-a"),
      profile("bulk-b", { n: 2, user_id: "u2" }),
    ]);
    expect(revisionsOf(saved)).toEqual([1, 1, 2]);
    expect(await profiles().repository.loadProfile("bulk-b")).toEqual(saved[2]);
    expect(await profiles().repository.verifyAuditChain("bulk-b")).toEqual({ valid: true, entries: 2 });
  });

  it("saves none when one is refused, and names it", async () => {
    await profiles().repository.saveProfile(profile("bulk-there"));
    const saving = profiles().repository.saveMany([profile("bulk-new"), profile("bulk-there")], {
      expectedRevision: "absent",
    });
    await expect(saving).rejects.toBeInstanceOf(ConflictError);
    await expect(saving).rejects.toMatchObject({ part: 1, currentVersion: 1, outcome: "rejected" });
    const foreign = profiles().repository.saveMany([profile("bulk-new"), profile("bulk-there", { tenant_id: "x" })]);
    await expect(foreign).rejects.toMatchObject({ code: "forbidden", outcome: "rejected" });
    await expect(foreign).rejects.toThrow(/\[1\]/);
    expect(await profiles().repository.loadMany(["bulk-new"])).toEqual([undefined]);
  });

  it("is done once under one request id", async () => {
    const options = { context: { request_id: "import-1" }, idempotent: true };
    const documents = [profile("bulk-once"), profile("bulk-once", { n: 2 }), profile("bulk-once-2")];
    const first = await profiles().repository.saveMany(documents, options);
    expect(await profiles().repository.saveMany(documents, options)).toEqual(first);
    expect(await profiles().repository.listProfileRevisionNumbers("bulk-once")).toEqual([1, 2]);
    const other = profiles().repository.saveMany([profile("bulk-once", { n: 3 })], options);
    await expect(other).rejects.toMatchObject({ code: "conflict", outcome: "rejected" });
  });

  it("never waits in a circle with another that has them the other way round", async () => {
    const documents = Array.from({ length: 40 }, (_, n) => profile(`circle-${n}`));
    const saves = Array.from({ length: 12 }, (_, n) =>
      profiles().repository.saveMany(n % 2 === 0 ? documents : documents.toReversed()),
    );
    await Promise.all(saves);
    expect(await profiles().repository.listProfileRevisionNumbers("circle-0")).toHaveLength(12);
  });
});
