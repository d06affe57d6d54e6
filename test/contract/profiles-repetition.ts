import { expect, it } from "vitest";
import { NotFoundError } from "../../src/errors.ts";
import { numbers, profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeProfileRepetition(profiles: OpenProfiles): void {
  const options = { context: { request_id: "request-1" }, idempotent: true };

  it("are done once, also when all attempts come at the same time or an expectation no longer holds", async () => {
    const given = profile("repeated", { n: 1 });
    const saved = await Promise.all(numbers(8).map(() => profiles().saveProfile(given, options)));
    expect(new Set(saved.map(({ metadata }) => metadata.revision))).toEqual(new Set([1]));
    await profiles().saveProfile(profile("repeated", { n: 2 }));
    const again = await profiles().saveProfile(given, { ...options, expectedRevision: "absent" });
    expect(again).toEqual(saved[0]);
    expect(await profiles().loadProfile("repeated")).toMatchObject({ n: 2, metadata: { revision: 2 } });
  });

  it("refuse the same request id for another document, and take it for another profile", async () => {
    await profiles().saveProfile(profile("keyed"), options);
    const other = profiles().saveProfile(profile("keyed", { other: true }), options);
    await expect(other).rejects.toMatchObject({ name: "PersistError", code: "conflict", outcome: "rejected" });
    expect((await profiles().saveProfile(profile("keyed-2"), options)).metadata.revision).toBe(1);
  });

  it("do not bring back a profile that was deleted since", async () => {
    await profiles().saveProfile(profile("buried"), options);
    await profiles().deleteProfile("buried");
    expect(await profiles().saveProfile(profile("buried"), options)).toMatchObject({ metadata: { revision: 1 } });
    await expect(profiles().loadProfile("buried")).rejects.toBeInstanceOf(NotFoundError);
  });
}
