import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { audience, developmentToken, issuer } from "../../scripts/start/development-token.ts";
import { type DevelopmentWorker, startDevelopmentWorker } from "../../scripts/start/development-worker.ts";
import { createStore } from "../../src/create-store.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { errorsOf, heroesOf, newDevice, replicate } from "./rxdb-devices.ts";
import { describeRxdbSuite } from "./rxdb-suite.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "onetrip-rxdb-"));
const database = withNewDatabase();
const token = await developmentToken(folder, new Date());
let worker: DevelopmentWorker;
let driver: Driver;

beforeAll(async () => {
  driver = postgres(database().postgres);
  worker = await startDevelopmentWorker({
    root,
    port: 0,
    logFolder: folder,
    variables: {
      DATABASE_URL: database().neon,
      DATABASE_DRIVER: "neon-http",
      PUBLIC_JWK: token.publicJwk,
      TOKEN_ISSUER: issuer,
      TOKEN_AUDIENCE: audience,
    },
  });
});
afterAll(async () => {
  await worker?.close();
  await driver?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("RxDB's suite for replications, against the worker", async () => {
  await describeRxdbSuite(() => ({
    remote: (store) => new URL(`/sync/v1/${store}`, worker.url),
    authToken: () => token.bearer,
    open: (store) => createStore(store, { driver }),
  }));
});

describe("the stream, against the worker", () => {
  it("brings what another device writes while it waits", async () => {
    const options = {
      remote: new URL("/sync/v1/heroes", worker.url),
      authToken: token.bearer,
      live: true,
      // Only a poke that waits sees it before the test is over.
      liveIntervalMs: 600_000,
    };
    const [a, b] = [await newDevice(), await newDevice()];
    const replications = [a, b].map((device) => replicate(device, options));
    const errors = replications.map(errorsOf);
    for (const replication of replications) await replication.awaitInitialReplication();
    await a.insert({ id: "batman", name: "Bruce" });
    await vi.waitFor(async () => expect(await heroesOf(b)).toHaveLength(1), { timeout: 20_000 });
    await b.findOne("batman").remove();
    await vi.waitFor(async () => expect(await heroesOf(a)).toEqual([]), { timeout: 20_000 });
    expect(errors).toEqual([[], []]);
  });
});
