import { PGlite } from "@electric-sql/pglite";
import { Pool as NeonPool, neon, neonConfig } from "@neondatabase/serverless";
import pgPackage from "pg";
import postgresJs from "postgres";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { neonWebsocket } from "../../src/driver/neon-websocket.ts";
import { pg } from "../../src/driver/pg.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { startLocalNeon } from "../../src/local/index.ts";
import {
  createPostgresProfileStoreArtifacts,
  createPostgresProfileStoreRepository,
  createPostgresQueryExecutor,
  createProfileStoreAdapter,
  type ProfileEvent,
  type ProfileRepository,
  type Queryable,
  type UnsafeQueryable,
} from "../../src/profiles/index.ts";
import { createReachableDatabase, type ReachableDatabase } from "../servers/provided.ts";
import { asOwner } from "./application-role.ts";
import { documentStoreAdapter } from "./document-store-adapter.ts";
import { profile } from "./new-profiles.ts";

interface Opened {
  readonly client: Driver | Queryable | UnsafeQueryable;
  close(): Promise<unknown>;
}

/** Each way to run a statement that an application may have already. */
const clients: Readonly<Record<string, (database: ReachableDatabase) => Opened | Promise<Opened>>> = {
  "pg.Pool": ({ postgres: url }) => {
    const pool = new pgPackage.Pool({ connectionString: url });
    return { client: pool, close: () => pool.end() };
  },
  "pg.Client": async ({ postgres: url }) => {
    const client = new pgPackage.Client(url);
    await client.connect();
    return { client, close: () => client.end() };
  },
  "postgres.js": ({ postgres: url }) => {
    const sql = postgresJs(url, { fetch_types: false });
    return { client: sql, close: () => sql.end() };
  },
  "neon()": async ({ postgres: url }) => {
    const local = await startLocalNeon({ database: url });
    neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/sql`;
    return { client: neon(local.url), close: () => local.close() };
  },
  "Pool of @neondatabase/serverless": async ({ postgres: url }) => {
    const local = await startLocalNeon({ database: url });
    const { hostname, port } = new URL(local.url);
    neonConfig.wsProxy = `${hostname}:${port}/v1`;
    neonConfig.useSecureWebSocket = false;
    neonConfig.pipelineConnect = false;
    const pool = new NeonPool({ connectionString: local.url });
    // It reports the end of its own sockets as an error.
    pool.on("error", () => undefined);
    return { client: pool, close: () => pool.end().then(() => local.close()) };
  },
  PGlite: async () => {
    const database = new PGlite();
    await database.exec(createPostgresProfileStoreArtifacts().schemaSql);
    return { client: database, close: () => database.close() };
  },
  "our pg": ({ postgres: url }) => opened(pg(url)),
  "our postgres": ({ postgres: url }) => opened(postgres(url)),
  "our postgres through PgBouncer": ({ pgbouncer: url }) => opened(postgres(url, { pooler: "transaction" })),
  "our neon-http": ({ neon: url }) => opened(neonHttp(url)),
  "our neon-websocket": ({ neon: url }) => opened(neonWebsocket(url)),
  "our pglite": async () => {
    const database = new PGlite();
    await database.exec(createPostgresProfileStoreArtifacts().schemaSql);
    return { client: pglite(database), close: () => database.close() };
  },
};

function opened(driver: Driver): Opened {
  return { client: driver, close: () => driver.close() };
}

describe.each(Object.keys(clients))("an application that has %s", (name) => {
  let database: ReachableDatabase;
  let own: Opened;
  let repository: ProfileRepository;
  beforeAll(async () => {
    const { schemaSql } = createPostgresProfileStoreArtifacts({ schema: "public", tablePrefix: "pson_" });
    database = await createReachableDatabase(inject("servers"));
    await asOwner(database.postgres, schemaSql);
    const open = clients[name];
    if (open === undefined) throw new Error("no such client");
    own = await open(database);
    const exec = createPostgresQueryExecutor(own.client);
    repository = createPostgresProfileStoreRepository({ exec, schema: "public" });
  });
  afterAll(async () => {
    await own.close();
    await database.drop();
  });

  it("stores profiles through the adapter over documents", async () => {
    const store = documentStoreAdapter(repository);
    const first = { ...profile("by-document", { user_id: "ann" }), metadata: { revision: 1 } };
    const second = { ...first, metadata: { revision: 2 }, likes: ["maps", "l’été", "\u2028"] };
    await store.saveProfile(first);
    await store.saveProfile(second);
    expect(await store.loadProfile("by-document")).toEqual(second);
    expect(await store.loadProfileByUserId("ann")).toEqual(second);
    expect(await store.listProfileRevisions("by-document")).toEqual([1, 2]);
    expect(await store.findProfilesByUserId("ann")).toEqual(["by-document"]);
    expect([await store.profileExists("by-document"), await store.profileExists("nobody")]).toEqual([true, false]);
    await expect(store.listProfileRevisions("nobody")).rejects.toThrow("profile_not_found");
  });

  it("loads with a context that comes back in the event", async () => {
    const events: ProfileEvent[] = [];
    const off = repository.on("profile:load", (event) => events.push(event));
    const context = { request_id: "r-1", trace_id: "t-1" };
    await repository.saveProfile(profile("with-context"));
    await repository.loadProfile("with-context", { context });
    expect(events).toEqual([
      { type: "profile:load", operation: "loadProfile", profileId: "with-context", revision: 1, context },
    ]);
    off();
  });

  it("has every other call", async () => {
    const options = { context: { request_id: "r-2" }, idempotent: true };
    const saved = await repository.saveProfile(profile("all", { user_id: "bob" }), options);
    expect(await repository.saveProfile(profile("all", { user_id: "bob" }), options)).toEqual(saved);
    await expect(repository.saveProfile(profile("all"), options)).rejects.toMatchObject({ code: "conflict" });
    await expect(repository.saveProfile(profile("all"), { expectedRevision: 5 })).rejects.toMatchObject({
      code: "conflict",
      currentVersion: 1,
    });
    const both = await repository.saveMany([profile("all", { n: 1 }), profile("all-2")]);
    expect(both.map(({ metadata }) => metadata.revision)).toEqual([2, 1]);
    const refused = repository.saveMany([profile("all-3"), profile("all")], { expectedRevision: "absent" });
    await expect(refused).rejects.toMatchObject({ name: "ConflictError", part: 1, currentVersion: 2 });
    expect(await repository.loadMany(["all-2", "all-3", "all", "all-2"])).toEqual([
      both[1],
      undefined,
      both[0],
      both[1],
    ]);
    expect(await repository.loadChangedProfile("all", [2])).toEqual({ status: "unchanged", revision: 2 });
    expect(await repository.loadChangedProfile("all", [1])).toMatchObject({ status: "changed", profile: { n: 1 } });
    expect((await repository.findProfilesByUserId("u1")).map(({ profile_id }) => profile_id)).toContain("all");
    const { entries } = await repository.listAuditEntries("all", { limit: 1 });
    expect(entries).toEqual([expect.objectContaining({ entry: 2, action: "save", recordedAt: expect.any(Date) })]);
    expect(await repository.verifyAuditChain("all")).toEqual({ valid: true, entries: 2 });
    expect(await repository.deleteProfile("all", { expectedRevision: 2 })).toBe(true);
    await expect(repository.loadProfile("all")).rejects.toMatchObject({ code: "not-found" });
    await expect(createProfileStoreAdapter(repository).loadProfile("all")).rejects.toMatchObject({ code: "not-found" });
  });
});
