import { afterEach, expect, inject, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { createPostgresProfileStoreRepository, type ProfileRepository } from "../../src/profiles/index.ts";
import { createReachableDatabase, type ReachableDatabase } from "../servers/provided.ts";
import { startWireProxy } from "../servers/wire-proxy.ts";
import { profile } from "./new-profiles.ts";

/** The proxy holds every answer back for a while, so that only a client that waits makes another flight. */
const DELAY_MS = 10;

const routes: readonly [string, (database: ReachableDatabase) => string, (url: string) => Driver][] = [
  ["pg", ({ postgres: url }) => url, (url) => pg(url)],
  ["postgres", ({ postgres: url }) => url, (url) => postgres(url)],
  ["postgres through PgBouncer", ({ pgbouncer: url }) => url, (url) => postgres(url, { pooler: "transaction" })],
  ["neon-http", ({ neon: url }) => url, (url) => neonHttp(url)],
];

const given = { ...profile("given"), metadata: { revision: 1 } };
const index = { user_id: "u1", latest_profile_id: "given", profile_ids: ["given"], updated_at: "" };

/** A call of each method, in the order in which they depend on each other. */
const methods: Readonly<Record<string, (repository: ProfileRepository) => Promise<unknown>>> = {
  saveProfile: (repository) =>
    repository.saveProfile(profile("p"), {
      context: { request_id: "r" },
      idempotent: true,
      expectedRevision: "absent",
    }),
  saveMany: (repository) => repository.saveMany([profile("p"), profile("q"), profile("r")]),
  loadProfile: (repository) => repository.loadProfile("p"),
  loadMany: (repository) => repository.loadMany(["p", "q", "nobody"]),
  loadChangedProfile: (repository) => repository.loadChangedProfile("p", [2]),
  findProfilesByUserId: (repository) => repository.findProfilesByUserId("u1"),
  loadProfileByUserId: (repository) => repository.loadProfileByUserId("u1"),
  listAuditEntries: (repository) => repository.listAuditEntries("p"),
  verifyAuditChain: (repository) => repository.verifyAuditChain("p"),
  writeCurrentProfile: (repository) => repository.writeCurrentProfile(given),
  writeProfileRevision: (repository) => repository.writeProfileRevision(given),
  writeUserProfileIndex: (repository) => repository.writeUserProfileIndex(index),
  readCurrentProfile: (repository) => repository.readCurrentProfile("given"),
  listProfileRevisionNumbers: (repository) => repository.listProfileRevisionNumbers("given"),
  readUserProfileIndex: (repository) => repository.readUserProfileIndex("u1"),
  deleteProfile: (repository) => repository.deleteProfile("p", { expectedRevision: 2 }),
};

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

it.each(routes)("every method is one flight: %s", async (_, urlOf, open) => {
  const database = await createReachableDatabase(inject("servers"));
  undo.push(() => database.drop());
  const { hostname, port } = new URL(urlOf(database));
  const wire = await startWireProxy({ upstream: { host: hostname, port: Number(port) }, delayMs: DELAY_MS });
  undo.push(() => wire.close());
  const driver = open(wire.url(urlOf(database)));
  undo.push(() => driver.close());
  const repository = createPostgresProfileStoreRepository({ driver });
  await repository.findProfilesByUserId("nobody");

  const names = Object.keys(repository).filter((name) => name !== "kind" && name !== "on");
  expect(Object.keys(methods).sort()).toEqual(names.sort());
  const flights: Record<string, number> = {};
  for (const [name, call] of Object.entries(methods)) {
    wire.reset();
    await call(repository);
    flights[name] = wire.flights();
  }
  expect(flights).toEqual(Object.fromEntries(Object.keys(methods).map((name) => [name, 1])));
});
