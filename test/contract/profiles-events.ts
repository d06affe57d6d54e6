import { expect, it } from "vitest";
import type { ProfileEvent, ProfileRepository } from "../../src/profiles/index.ts";
import { profile } from "./profile-document.ts";
import type { OpenProfiles } from "./profiles.ts";

export function describeProfileEvents(profiles: OpenProfiles): void {
  it("of every method carry the very context of the call", async () => {
    const repository = profiles();
    const heard: ProfileEvent[] = [];
    const off = repository.on("profile:*", (event) => heard.push(event));
    for (const [operation, call, events] of profileCalls) {
      await call(repository).catch(() => undefined);
      const got = heard.splice(0);
      expect(got).toEqual(events.map((event) => ({ ...event, operation, context })));
      for (const event of got) expect(event.context).toBe(context);
    }
    off();
  });
}

export const context = { request_id: "r", trace_id: "t", more: { of: "it" } };
const document = (id: string) => profile(id, { user_id: "eva" });

/** Every method with the events of one call, in the order in which they depend on each other. */
export const profileCalls: readonly [string, (repository: ProfileRepository) => Promise<unknown>, readonly object[]][] =
  [
    [
      "saveProfile",
      (repository) => repository.saveProfile(document("e"), { context }),
      [{ type: "profile:save", profileId: "e", revision: 1, status: "created" }],
    ],
    [
      "saveMany",
      (repository) => repository.saveMany([document("e"), document("e2")], { context }),
      [
        { type: "profile:save", profileId: "e", revision: 2, status: "saved" },
        { type: "profile:save", profileId: "e2", revision: 1, status: "created" },
      ],
    ],
    [
      "saveProfile",
      (repository) => repository.saveProfile(document("e"), { context, expectedRevision: 1 }),
      [{ type: "profile:conflict", profileId: "e", currentRevision: 2 }],
    ],
    [
      "saveMany",
      (repository) => repository.saveMany([document("e3"), document("e2")], { context, expectedRevision: "absent" }),
      [{ type: "profile:conflict", profileId: "e2", currentRevision: 1 }],
    ],
    [
      "loadProfile",
      (repository) => repository.loadProfile("e", { context }),
      [{ type: "profile:load", profileId: "e", revision: 2 }],
    ],
    [
      "loadMany",
      (repository) => repository.loadMany(["e2", "nobody"], { context }),
      [
        { type: "profile:load", profileId: "e2", revision: 1 },
        { type: "profile:load", profileId: "nobody", revision: 0 },
      ],
    ],
    [
      "loadChangedProfile",
      (repository) => repository.loadChangedProfile("nobody", [], { context }),
      [{ type: "profile:load", profileId: "nobody", revision: 0 }],
    ],
    [
      "findProfilesByUserId",
      (repository) => repository.findProfilesByUserId("eva", { context }),
      [{ type: "profile:find", userId: "eva", found: 2 }],
    ],
    [
      "loadProfileByUserId",
      (repository) => repository.loadProfileByUserId("nobody", { context }),
      [{ type: "profile:find", userId: "nobody", found: 0 }],
    ],
    [
      "listAuditEntries",
      (repository) => repository.listAuditEntries("e", { context }),
      [{ type: "profile:audit", profileId: "e", entries: 2 }],
    ],
    [
      "verifyAuditChain",
      (repository) => repository.verifyAuditChain("e", { context }),
      [{ type: "profile:audit", profileId: "e", entries: 2 }],
    ],
    [
      "readCurrentProfile",
      (repository) => repository.readCurrentProfile("e", { context }),
      [{ type: "profile:load", profileId: "e", revision: 2 }],
    ],
    [
      "writeCurrentProfile",
      (repository) => repository.writeCurrentProfile({ ...document("e"), metadata: { revision: 7 } }, { context }),
      [{ type: "profile:save", profileId: "e", revision: 7, status: "saved" }],
    ],
    [
      "writeProfileRevision",
      (repository) => repository.writeProfileRevision({ ...document("e"), metadata: { revision: 7 } }, { context }),
      [{ type: "profile:audit", profileId: "e", entries: 1 }],
    ],
    [
      "listProfileRevisionNumbers",
      (repository) => repository.listProfileRevisionNumbers("e", { context }),
      [{ type: "profile:audit", profileId: "e", entries: 3 }],
    ],
    [
      "readUserProfileIndex",
      (repository) => repository.readUserProfileIndex("eva", { context }),
      [{ type: "profile:find", userId: "eva", found: 2 }],
    ],
    [
      "deleteProfile",
      (repository) => repository.deleteProfile("e", { context, expectedRevision: 6 }),
      [{ type: "profile:conflict", profileId: "e", currentRevision: 7 }],
    ],
    [
      "deleteProfile",
      (repository) => repository.deleteProfile("e", { context }),
      [{ type: "profile:delete", profileId: "e", revision: 7 }],
    ],
    ["deleteProfile", (repository) => repository.deleteProfile("e", { context }), []],
  ];
