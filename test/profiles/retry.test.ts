import { describe, expect, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { type LocalNeon, startLocalNeon } from "../../src/local/index.ts";
import {
  createPostgresProfileStoreRepository,
  type ProfileRepositoryOptions,
  type ProfileRetryEvent,
} from "../../src/profiles/index.ts";
import { failureOf } from "../contract/store.ts";
import { profile, withNewProfiles } from "./new-profiles.ts";

const profiles = withNewProfiles();
const quick = { attempts: 4, baseMs: 0, maxMs: 0 };

async function overFaults(
  work: (
    local: LocalNeon,
    over: (options?: ProfileRepositoryOptions) => ReturnType<typeof repositoryOf>,
  ) => Promise<void>,
): Promise<void> {
  const local = await startLocalNeon({ database: profiles().database.postgres });
  try {
    await work(local, (options = { retry: quick }) => repositoryOf(local, options));
  } finally {
    await local.close();
  }
}

function repositoryOf(local: LocalNeon, options: ProfileRepositoryOptions) {
  const repository = createPostgresProfileStoreRepository({ driver: neonHttp(local.url), ...options });
  const retries: ProfileRetryEvent[] = [];
  repository.on("profile:retry", (event) => retries.push(event));
  return { repository, retries };
}

describe("a repository over a driver", () => {
  it("reads again after a lost reply, and tells of it with the call's context", () =>
    overFaults(async (local, over) => {
      const { repository, retries } = over();
      await repository.saveProfile(profile("read again"));
      const context = { request_id: "r" };
      local.faults.arm({ kind: "drop-reply", times: 2 });
      expect(await repository.loadProfile("read again", { context })).toMatchObject({ metadata: { revision: 1 } });
      expect(retries).toMatchObject([
        { operation: "loadProfile", attempt: 1, outcome: "unknown", context },
        { operation: "loadProfile", attempt: 2, outcome: "unknown", context },
      ]);
    }));

  it("saves again after a lost reply only with a key, and then once", () =>
    overFaults(async (local, over) => {
      const { repository, retries } = over();
      local.faults.arm({ kind: "drop-reply" });
      expect(await failureOf(repository.saveProfile(profile("keyless")))).toMatchObject({ outcome: "unknown" });
      expect(retries).toEqual([]);

      local.faults.arm({ kind: "drop-reply" });
      const options = { context: { request_id: "once" }, idempotent: true };
      expect(await repository.saveProfile(profile("keyed"), options)).toMatchObject({ metadata: { revision: 1 } });
      expect(await repository.listProfileRevisionNumbers("keyed")).toEqual([1]);
      expect(retries).toHaveLength(1);
    }));

  it("does again whatever was certainly not done", () =>
    overFaults(async (local, over) => {
      const { repository } = over();
      await repository.saveProfile(profile("refused"));
      for (const kind of ["waking-up", "unavailable", "too-many-requests"] as const) {
        local.faults.arm(kind === "waking-up" ? { kind } : { kind, retryAfterSeconds: 0 });
        await repository.saveProfile(profile("refused"));
      }
      expect(await repository.deleteProfile("refused")).toBe(true);
    }));

  it("does nothing again when it is told so, and refuses a policy that is none", () =>
    overFaults(async (local, over) => {
      const { repository, retries } = over({ retry: false });
      local.faults.arm({ kind: "waking-up" });
      expect(await failureOf(repository.findProfilesByUserId("u"))).toMatchObject({ outcome: "rejected" });
      expect(retries).toEqual([]);
      expect(() => over({ retry: { attempts: 0 } })).toThrow("repository: retry.attempts");
    }));
});
