import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import {
  createPostgresProfileStoreArtifacts,
  createPostgresProfileStoreRepository,
  type ProfileRepository,
} from "../../src/profiles/index.ts";
import { type PgBouncer, startPgBouncer } from "../servers/pgbouncer.ts";
import { createReachableDatabase, type ReachableDatabase } from "../servers/provided.ts";
import { asOwner, createRole, type TestRole } from "./application-role.ts";
import { numbers, profile } from "./new-profiles.ts";

const schema = "tenants";
const tenants = ["a", "b"] as const;
const READS = 10_000;

describe.each(["the owner of the tables, no superuser", "the application's role"])(
  "row-level security binds %s",
  (who) => {
    let database: ReachableDatabase;
    let owner: TestRole;
    let application: TestRole;
    let bouncer: PgBouncer;
    let driver: Driver;
    let repository: ProfileRepository;

    beforeAll(async () => {
      database = await createReachableDatabase(inject("servers"));
      owner = await createRole(database.postgres);
      application = await createRole(database.postgres);
      await asOwner(database.postgres, `grant create on database ${database.name} to ${owner.name}`);
      const names = { schema, rls: true, applicationRole: application.name };
      await asOwner(owner.url, createPostgresProfileStoreArtifacts(names).schemaSql);
      const { url } = who.startsWith("the owner") ? owner : application;
      bouncer = await startPgBouncer({ upstream: { url }, defaultPoolSize: 2 });
      driver = pg(bouncer.url, { poolSize: 16 });
      repository = createPostgresProfileStoreRepository({ driver, schema, rls: true, migrate: "off" });
      for (const tenant_id of tenants) {
        for (const n of numbers(10)) {
          await repository.saveProfile(profile(`${tenant_id}-${n}`, { tenant_id, user_id: "shared" }));
        }
      }
    });
    afterAll(async () => {
      await driver.close();
      await bouncer.stop();
      await database.drop();
      await application.drop();
      await owner.drop();
    });

    it(`lets none of ${READS} reads through two shared connections see another tenant`, async () => {
      const foreign: unknown[] = [];
      const counts = { reads: 0, own: 0 };
      const see = (tenant: string, found: readonly { readonly tenant_id?: string | undefined }[]) => {
        counts.own += found.length;
        foreign.push(...found.filter(({ tenant_id }) => tenant_id !== tenant));
      };
      const reads: readonly ((tenant: string, other: string) => Promise<void>)[] = [
        async (tenant, other) => {
          const found = await repository.loadMany([`${tenant}-1`, `${other}-1`, `${other}-2`], { tenant });
          see(
            tenant,
            found.filter((one) => one !== undefined),
          );
          if (found[0] === undefined) throw new Error("its own profile is missing");
        },
        async (tenant, other) => {
          const read = await repository
            .loadChangedProfile(`${other}-1`, "any", { tenant })
            .catch((error) => error.code);
          if (read !== "not-found") foreign.push(read);
        },
        async (tenant) => see(tenant, await repository.findProfilesByUserId("shared", { tenant })),
        async (tenant, other) => {
          foreign.push(...(await repository.listAuditEntries(`${other}-1`, { tenant })).entries);
        },
        async (tenant) => see(tenant, [await repository.loadProfileByUserId("shared", { tenant })]),
        async () => {
          foreign.push(...(await driver.query({ text: `select document from ${schema}.pson_profiles`, params: [] })));
        },
        async () => {
          const text = "select coalesce(current_setting('onetrip.tenant_id', true), '') as tenant";
          foreign.push(...(await driver.query({ text, params: [] })).filter(({ tenant }) => tenant !== ""));
        },
      ];
      await Promise.all(
        numbers(16).map(async (worker) => {
          for (; counts.reads < READS; counts.reads++) {
            const tenant = tenants[(counts.reads + worker) % 2] ?? "a";
            const read = reads[(counts.reads * 3 + worker) % reads.length];
            await read?.(tenant, tenant === "a" ? "b" : "a");
          }
        }),
      );
      expect(foreign).toEqual([]);
      expect(counts.own).toBeGreaterThan(READS);
    }, 60_000);

    it("refuses writes over another tenant's profile as forbidden, whatever it was that Postgres said", async () => {
      const stolen = { ...profile("a-1", { tenant_id: "b" }), metadata: { revision: 1 } };
      const forbidden = { code: "forbidden", outcome: "rejected" };
      await expect(repository.saveProfile(stolen)).rejects.toMatchObject(forbidden);
      await expect(repository.saveProfile(stolen, { tenant: "b" })).rejects.toMatchObject(forbidden);
      await expect(repository.saveMany([profile("b-new", { tenant_id: "b" }), stolen])).rejects.toMatchObject(
        forbidden,
      );
      await expect(repository.writeCurrentProfile(stolen)).rejects.toMatchObject(forbidden);
      await expect(repository.writeProfileRevision(stolen)).rejects.toMatchObject({ code: "not-found" });
      expect(await repository.deleteProfile("a-1", { tenant: "b" })).toBe(false);
      expect(await repository.loadMany(["b-new"], { tenant: "b" })).toEqual([undefined]);
      expect(await repository.loadProfile("a-1", { tenant: "a" })).toMatchObject({ metadata: { revision: 1 } });
      expect(await repository.verifyAuditChain("a-1", { tenant: "a" })).toEqual({ valid: true, entries: 1 });
      expect(await repository.verifyAuditChain("a-1", { tenant: "b" })).toEqual({ valid: true, entries: 0 });
    });

    it("lets a tenant delete and save again", async () => {
      const tenant = "a";
      const mine = profile("a-again", { tenant_id: tenant });
      await repository.saveProfile(mine, { context: { actor: "somebody" } });
      expect(await repository.deleteProfile("a-again", { tenant })).toBe(true);
      expect((await repository.saveProfile(mine)).metadata.revision).toBe(2);
      expect(await repository.verifyAuditChain("a-again", { tenant })).toEqual({ valid: true, entries: 3 });
      const { entries } = await repository.listAuditEntries("a-again", { tenant, order: "oldest" });
      expect(entries.map(({ payload }) => payload === null)).toEqual([true, false, false]);
      await repository.deleteProfile("a-again", { tenant });
      const other = repository.saveProfile(profile("a-again", { tenant_id: "b" }));
      await expect(other).rejects.toMatchObject({ code: "forbidden" });
    });

    it("refuses a call without a tenant before it is sent", async () => {
      const bare = { ...profile("bare"), metadata: { revision: 1 } };
      for (const call of [
        () => repository.loadProfile("a-1"),
        () => repository.loadMany(["a-1"]),
        () => repository.findProfilesByUserId("shared"),
        () => repository.deleteProfile("a-1"),
        () => repository.saveProfile(bare),
        () => repository.saveMany([bare]),
        () => repository.writeCurrentProfile(bare),
        () => repository.listAuditEntries("a-1"),
        () => repository.readUserProfileIndex("shared"),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: "validation", outcome: "not-sent" });
      }
    });
  },
);
