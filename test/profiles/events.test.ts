import { describe, expect, expectTypeOf, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import {
  createPostgresProfileStoreRepository,
  type ProfileConflictEvent,
  type ProfileEvent,
  type Tracer,
} from "../../src/profiles/index.ts";
import { profileCalls } from "../contract/profiles-events.ts";
import { profile, withNewProfiles } from "./new-profiles.ts";

const profiles = withNewProfiles();

describe("events", () => {
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
    for (const [operation, call] of profileCalls) {
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
      expect(JSON.stringify(span)).not.toMatch(/eva|"e2?"/);
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
