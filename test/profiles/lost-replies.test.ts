import { expect, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { PersistError } from "../../src/errors.ts";
import { startLocalNeon } from "../../src/local/index.ts";
import { createPostgresProfileStoreRepository } from "../../src/profiles/index.ts";
import { numbers, profile, withNewProfiles } from "./new-profiles.ts";

const SAVES = 1000;
const profiles = withNewProfiles();

it(`${SAVES} saves of which one in twenty loses its reply, repeated with their request id, are each done once`, async () => {
  const local = await startLocalNeon({ database: profiles().database.postgres });
  const driver = neonHttp(local.url);
  const repository = createPostgresProfileStoreRepository({ driver });
  local.faults.arm({ kind: "drop-reply", probability: 0.05, seed: 7 });

  const statuses = { saved: 0, repeated: 0, created: 0 };
  repository.on("profile:save", ({ status }) => {
    statuses[status] += 1;
  });
  async function save(n: number): Promise<number> {
    const options = { context: { request_id: `request-${n}` }, idempotent: true };
    for (let attempt = 1; ; attempt++) {
      try {
        return (await repository.saveProfile(profile("counted", { n }), options)).metadata.revision;
      } catch (error) {
        if (!(error instanceof PersistError) || error.outcome !== "unknown" || attempt === 10) throw error;
      }
    }
  }
  const answers: number[] = [];
  const queue = numbers(SAVES);
  await Promise.all(
    numbers(8).map(async () => {
      for (let n = queue.shift(); n !== undefined; n = queue.shift()) answers.push(await save(n));
    }),
  );

  expect(local.faults.fired("drop-reply")).toBeGreaterThan(SAVES / 40);
  expect(statuses.repeated).toBeGreaterThan(0);
  expect(statuses.repeated + statuses.saved + statuses.created).toBe(SAVES);
  expect(answers.sort((a, b) => a - b)).toEqual(numbers(SAVES));
  expect(await profiles().repository.listProfileRevisionNumbers("counted")).toEqual(numbers(SAVES));
  expect(await profiles().repository.verifyAuditChain("counted")).toEqual({ valid: true, entries: SAVES });
  await driver.close();
  await local.close();
}, 60_000);
