import { describe, expect, it } from "vitest";
import { NotFoundError } from "../../src/errors.ts";
import { profile, withNewProfiles } from "./new-profiles.ts";

const profiles = withNewProfiles();

describe("a save that can be repeated", () => {
  const options = { context: { request_id: "request-1" }, idempotent: true };

  it("is done once, also when both attempts come at the same time or an expectation no longer holds", async () => {
    const given = profile("repeated", { n: 1 });
    const saved = await Promise.all(Array.from({ length: 8 }, () => profiles().repository.saveProfile(given, options)));
    expect(new Set(saved.map(({ metadata }) => metadata.revision))).toEqual(new Set([1]));
    await profiles().repository.saveProfile(profile("repeated", { n: 2 }));
    const again = await profiles().repository.saveProfile(given, { ...options, expectedRevision: "absent" });
    expect(again).toEqual(saved[0]);
    expect(await profiles().repository.loadProfile("repeated")).toMatchObject({ n: 2, metadata: { revision: 2 } });
  });

  it("refuses the same request id for another document, and takes it for another profile", async () => {
    await profiles().repository.saveProfile(profile("keyed"), options);
    const other = profiles().repository.saveProfile(profile("keyed", { other: true }), options);
    await expect(other).rejects.toMatchObject({ name: "PersistError", code: "conflict", outcome: "rejected" });
    expect((await profiles().repository.saveProfile(profile("keyed-2"), options)).metadata.revision).toBe(1);
  });

  it("does not bring back a profile that was deleted since", async () => {
    await profiles().repository.saveProfile(profile("buried"), options);
    await profiles().repository.deleteProfile("buried");
    expect(await profiles().repository.saveProfile(profile("buried"), options)).toMatchObject({
      metadata: { revision: 1 },
    });
    await expect(profiles().repository.loadProfile("buried")).rejects.toBeInstanceOf(NotFoundError);
  });
});
