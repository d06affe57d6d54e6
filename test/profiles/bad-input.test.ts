import { describe, expect, it } from "vitest";
import type { Driver, Statement } from "../../src/driver.ts";
import {
  createPostgresProfileStoreRepository,
  type PsonProfile,
  type UserProfileIndex,
} from "../../src/profiles/index.ts";
import { profile } from "./new-profiles.ts";

const sent: Statement[] = [];
const driver: Driver = {
  name: "none",
  async query(statement) {
    sent.push(statement);
    return [];
  },
  batch: async () => [],
  close: async () => undefined,
};
const repository = createPostgresProfileStoreRepository({ driver });
const confined = createPostgresProfileStoreRepository({ driver, tenant: "a" });

const long = "k".repeat(1025);
const counted = (revision: unknown) => ({ ...profile("p"), metadata: { revision } }) as unknown as PsonProfile;
const many = (count: number, parts = {}) => Array.from({ length: count }, (_, n) => profile(`p${n}`, parts));

const refusals: readonly [string, () => Promise<unknown>][] = [
  ["an empty id", () => repository.loadProfile("")],
  ["an id that is too long", () => repository.loadProfile(long)],
  ["an id with NUL", () => repository.loadChangedProfile("a\0", [])],
  ["an id with half a surrogate pair", () => repository.readCurrentProfile("\ud800")],
  ["an id that is no string", () => repository.loadMany(["a", 1 as unknown as string])],
  ["ids that are no array", () => repository.loadMany("abc" as unknown as string[])],
  ["more than 500 ids", () => repository.loadMany(many(501).map(({ profile_id }) => profile_id))],
  ["revisions that are none", () => repository.loadChangedProfile("a", [1.5])],
  ["an empty user id", () => repository.findProfilesByUserId("")],
  ["an empty user id", () => repository.loadProfileByUserId("")],
  ["an empty user id", () => repository.readUserProfileIndex("")],
  ["an empty tenant", () => repository.loadProfile("a", { tenant: "" })],
  ["a document with NaN", () => repository.saveProfile(profile("p", { n: Number.NaN }))],
  ["a document with undefined", () => repository.saveProfile(profile("p", { n: undefined }))],
  ["a document over the limit", () => repository.saveProfile(profile("p", { text: "x".repeat(1024 * 1024) }))],
  [
    "a context that is no text",
    () => repository.saveProfile(profile("p"), { context: { actor: 1 as unknown as string } }),
  ],
  ["a context with NUL", () => repository.saveProfile(profile("p"), { context: { trace_id: "\0" } })],
  ["an expectation below 0", () => repository.saveProfile(profile("p"), { expectedRevision: -1 })],
  ["an expectation of 1.5", () => repository.deleteProfile("p", { expectedRevision: 1.5 })],
  ["no request id to repeat by", () => repository.saveProfile(profile("p"), { idempotent: true })],
  [
    "an empty request id to repeat by",
    () => repository.saveProfile(profile("p"), { idempotent: true, context: { request_id: "" } }),
  ],
  ["no request id to repeat many by", () => repository.saveMany([profile("p")], { idempotent: true })],
  ["501 profiles", () => repository.saveMany(many(501))],
  ["9 MiB of profiles", () => repository.saveMany(many(9, { text: "x".repeat(1024 * 1024 - 200) }))],
  ["one bad profile of many", () => repository.saveMany([profile("p"), profile("")])],
  ["a revision of 0", () => repository.writeCurrentProfile(counted(0))],
  ["a revision that is no number", () => repository.writeCurrentProfile(counted("1"))],
  ["no revision", () => repository.writeProfileRevision(profile("p"))],
  ["a revision beyond int4", () => repository.writeProfileRevision(counted(2 ** 31))],
  ["an index without a latest profile", () => repository.writeUserProfileIndex({ user_id: "u" } as UserProfileIndex)],
];

describe("nothing is sent for", () => {
  it.each(refusals)("%s", async (_, call) => {
    await expect(call()).rejects.toMatchObject({ code: "validation", outcome: "not-sent" });
    expect(sent).toEqual([]);
  });

  it("a call or a document of another tenant than the repository's", async () => {
    for (const call of [
      () => confined.loadProfile("p", { tenant: "b" }),
      () => confined.saveProfile(profile("p", { tenant_id: "b" })),
      () => confined.saveProfile(profile("p")),
      () => confined.saveMany([profile("p", { tenant_id: "a" }), profile("q")]),
      () => confined.writeCurrentProfile(counted(1)),
      () => repository.saveProfile(profile("p", { tenant_id: "b" }), { tenant: "a" }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "forbidden", outcome: "not-sent" });
    }
    expect(sent).toEqual([]);
  });

  it("empty lists", async () => {
    expect(await repository.loadMany([])).toEqual([]);
    expect(await repository.saveMany([])).toEqual([]);
    expect(sent).toEqual([]);
  });

  it("a name that cannot be one", () => {
    expect(() => createPostgresProfileStoreRepository({ driver, schema: "a b" })).toThrow(/schema/);
    expect(() => createPostgresProfileStoreRepository({ driver, tablePrefix: "x".repeat(60) })).toThrow(/tablePrefix/);
    expect(() => createPostgresProfileStoreRepository({ driver, tenant: "" })).toThrow(/tenant/);
  });
});

it("a tenant_id that is undefined is left out", async () => {
  await repository.saveProfile({ ...profile("p"), tenant_id: undefined }).catch(() => undefined);
  expect(sent.splice(0)[0]?.params[1]).toBe(JSON.stringify(profile("p")));
});

it("the tenant of a repository goes with every statement", async () => {
  await confined.loadProfile("p").catch(() => undefined);
  await confined.deleteProfile("p").catch(() => undefined);
  await confined.listAuditEntries("p");
  expect(sent.splice(0).map(({ params }) => params.includes("a"))).toEqual([true, true, true]);
});
