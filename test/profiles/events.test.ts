import { describe, expect, expectTypeOf, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import {
  createPostgresProfileStoreRepository,
  type ProfileConflictEvent,
  type ProfileEvent,
  type ProfileRepository,
  type Tracer,
} from "../../src/profiles/index.ts";
import { profile, withNewProfiles } from "./new-profiles.ts";

const profiles = withNewProfiles();
const context = { request_id: "r", trace_id: "t", more: { of: "it" } };

/** Every method with the events of one call, in the order in which they depend on each other. */
const calls: readonly [string, (repository: ProfileRepository) => Promise<unknown>, readonly object[]][] = [
  [
    "saveProfile",
    (repository) => repository.saveProfile(profile("e"), { context }),
    [{ type: "profile:save", profileId: "e", revision: 1, status: "created" }],
  ],
  [
    "saveMany",
    (repository) => repository.saveMany([profile("e"), profile("e2")], { context }),
    [
      { type: "profile:save", profileId: "e", revision: 2, status: "saved" },
      { type: "profile:save", profileId: "e2", revision: 1, status: "created" },
    ],
  ],
  [
    "saveProfile",
    (repository) => repository.saveProfile(profile("e"), { context, expectedRevision: 1 }),
    [{ type: "profile:conflict", profileId: "e", currentRevision: 2 }],
  ],
  [
    "saveMany",
    (repository) => repository.saveMany([profile("e3"), profile("e2")], { context, expectedRevision: "absent" }),
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
    (repository) => repository.findProfilesByUserId("u1", { context }),
    [{ type: "profile:find", userId: "u1", found: 2 }],
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
    (repository) => repository.writeCurrentProfile({ ...profile("e"), metadata: { revision: 7 } }, { context }),
    [{ type: "profile:save", profileId: "e", revision: 7, status: "saved" }],
  ],
  [
    "writeProfileRevision",
    (repository) => repository.writeProfileRevision({ ...profile("e"), metadata: { revision: 7 } }, { context }),
    [{ type: "profile:audit", profileId: "e", entries: 1 }],
  ],
  [
    "listProfileRevisionNumbers",
    (repository) => repository.listProfileRevisionNumbers("e", { context }),
    [{ type: "profile:audit", profileId: "e", entries: 3 }],
  ],
  [
    "readUserProfileIndex",
    (repository) => repository.readUserProfileIndex("u1", { context }),
    [{ type: "profile:find", userId: "u1", found: 2 }],
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

describe("events", () => {
  it("of every method carry the very context of the call", async () => {
    const { repository } = profiles();
    const heard: ProfileEvent[] = [];
    const off = repository.on("profile:*", (event) => heard.push(event));
    for (const [operation, call, events] of calls) {
      await call(repository).catch(() => undefined);
      const got = heard.splice(0);
      expect(got).toEqual(events.map((event) => ({ ...event, operation, context })));
      for (const event of got) expect(event.context).toBe(context);
    }
    off();
  });

  it("reach nobody after unsubscription, and a listener that throws or rejects hurts nobody", async () => {
    const { repository } = profiles();
    const heard: string[] = [];
    const offs = [
      repository.on("*", () => {
        throw new Error("mine");
      }),
      repository.on("profile:save", () => Promise.reject(new Error("mine, later"))),
      repository.on("profile:save", ({ type }) => heard.push(type)),
    ];
    await repository.saveProfile(profile("listened"));
    for (const off of offs) off();
    await repository.saveProfile(profile("listened"));
    expect(heard).toEqual(["profile:save"]);
  });

  it("are known by their patterns", () => {
    const { repository } = profiles();
    expect(() => repository.on("profile:saved" as "profile:save", () => undefined)).toThrow(ValidationError);
    const offs = [
      repository.on("profile:conflict", (event) => expectTypeOf(event).toEqualTypeOf<ProfileConflictEvent>()),
      repository.on("profile:*", (event) => expectTypeOf(event).toEqualTypeOf<ProfileEvent>()),
      repository.on("*", (event) => expectTypeOf(event).toEqualTypeOf<ProfileEvent>()),
    ];
    for (const off of offs) off();
  });
});

describe("spans", () => {
  it("are one for each call, named and described as for a database client, and end in every case", async () => {
    const spans: Record<string, unknown>[] = [];
    const tracer: Tracer = {
      startSpan(name, { kind, attributes } = {}) {
        const span: Record<string, unknown> = { name, kind, ...attributes, ended: 0 };
        spans.push(span);
        return {
          setAttribute: (key, value) => Object.assign(span, { [key]: value }),
          setStatus: ({ code }) => Object.assign(span, { status: code }),
          end: () => Object.assign(span, { ended: Number(span["ended"]) + 1 }),
        };
      },
    };
    const options = { driver: profiles().driver, migrate: "off", tracer } as const;
    const traced = createPostgresProfileStoreRepository(options);
    for (const [operation, call] of calls) {
      await call(traced).catch(() => undefined);
      const [span, ...others] = spans.splice(0);
      expect(others).toEqual([]);
      expect(span).toMatchObject({
        kind: 2,
        "db.system.name": "postgresql",
        "db.operation.name": operation,
        "db.namespace": "public",
        ended: 1,
      });
      expect(span?.["name"]).toBe(`${operation} public.${span?.["db.collection.name"]}`);
      expect(JSON.stringify(span)).not.toMatch(/u1|"e2?"/);
    }

    const missing = createPostgresProfileStoreRepository({ ...options, schema: "nowhere" });
    await expect(missing.loadProfile("e")).rejects.toMatchObject({ sqlstate: "3F000" });
    expect(spans.splice(0)).toEqual([
      expect.objectContaining({ ended: 1, status: 2, "error.type": "3F000", "db.response.status_code": "3F000" }),
    ]);
    await expect(traced.loadProfile("e", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
    expect(spans.splice(0)).toEqual([expect.objectContaining({ ended: 1, status: 2, "error.type": "aborted" })]);
    await expect(traced.loadProfile("")).rejects.toThrow(ValidationError);
    expect(spans).toEqual([]);
  });
});
