import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { withDevelopmentWorker } from "../worker/with-development-worker.ts";
import { errorsOf, heroesOf, newDevice, replicate } from "./rxdb-devices.ts";
import { describeRxdbSuite } from "./rxdb-suite.ts";

const database = withNewDatabase();
const worker = withDevelopmentWorker(() => database().neon);
let driver: Driver;

beforeAll(() => {
  driver = postgres(database().postgres);
});
afterAll(() => driver?.close());

describe("RxDB's suite for replications, against the worker", async () => {
  await describeRxdbSuite(() => ({
    remote: (store) => new URL(`/sync/v1/${store}`, worker().url),
    authToken: () => worker().bearer,
    open: (store) => createStore(store, { driver }),
  }));
});

describe("the stream, against the worker", () => {
  it("brings what another device writes while it waits", async () => {
    const options = {
      remote: new URL("/sync/v1/heroes", worker().url),
      authToken: worker().bearer,
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
