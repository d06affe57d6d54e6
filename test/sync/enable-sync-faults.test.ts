import { describe, expect, it } from "vitest";
import { ConnectionError } from "../../src/errors.ts";
import { failureOf } from "../contract/store.ts";
import { type Fault, faultyDriver } from "./faulty.ts";
import { edit, expectInStep, pair } from "./sync-pair.ts";
import { heard, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

describe("a sync over a bad network", () => {
  const faults: readonly Fault[] = ["request lost", "reply lost"];

  it.each(faults)("does everything once: %s", async (fault) => {
    // A first sync pulls, pushes, and pulls what it has pushed.
    for (const before of [0, 1, 2, 3]) {
      const { server, device, replica, options } = await pair(stores);
      const sync = stores.sync(device, options);
      replica.plan(...Array<Fault>(before).fill("none"), fault);
      const events = heard(device, "sync:error");
      if (before < 3) {
        expect(await failureOf(sync.now())).toBeInstanceOf(ConnectionError);
        expect(events).toHaveLength(1);
        expect((await sync.status()).lastError).toBeInstanceOf(ConnectionError);
        expect(await sync.now()).toMatchObject({ done: true });
      } else {
        await sync.now();
      }
      await expectInStep(server, device);
      expect(await sync.status()).toMatchObject({ pending: 0, inFlight: 0, failed: 0 });
      expect((await sync.status()).lastError).toBeUndefined();
    }
  });

  it("does everything once when each request arrives twice", async () => {
    const { server, device, replica, options } = await pair(stores);
    replica.plan(...Array<Fault>(9).fill("twice"));
    await stores.sync(device, options).now();
    await expectInStep(server, device);
  });

  it("does everything once when each reply is lost once, in small parts", async () => {
    const { server, device, replica, options } = await pair(stores);
    const sync = stores.sync(device, { ...options, limits: { maxMutations: 2, maxChanges: 2 } });
    for (let round = 0; round < 30; round++) {
      replica.plan("none", "reply lost");
      if (await sync.now().catch(() => undefined)) break;
    }
    replica.plan();
    expect(await sync.now()).toMatchObject({ done: true });
    await expectInStep(server, device);
  });
});

describe("a sync with a bad connection to its own database", () => {
  it("loses and repeats nothing, whichever reply is lost", async () => {
    const driver = faultyDriver(stores.driver());
    for (let before = 0; before < 8; before++) {
      const { server } = await pair(stores);
      const device = await stores.store("device", driver);
      await edit(device);
      const sync = stores.sync(device, { remote: stores.replica(server), name: "server" });
      driver.plan(...Array<Fault>(before).fill("none"), "reply lost");
      await sync.now().catch(() => undefined);
      driver.plan();
      await sync.now();
      await expectInStep(server, device);
    }
  });
});

describe("a process that ends in the middle", () => {
  it("is followed by another that goes on from there, at once if it was stopped", async () => {
    for (const fault of ["request lost", "reply lost"] as const) {
      const { server, device, replica, options } = await pair(stores);
      const first = stores.sync(device, options);
      replica.plan(fault);
      await failureOf(first.now());
      await first.stop();
      expect(await stores.sync(device, options).now()).toMatchObject({ pushed: 7, done: true });
      await expectInStep(server, device);
    }
  });

  it("is followed by another when the lease of what it was sending is over", async () => {
    const driver = faultyDriver(stores.driver());
    const { server } = await pair(stores);
    const device = await stores.store("device", driver);
    await edit(device);
    const options = { remote: stores.replica(server), name: "server" };
    const died = stores.sync(device, { ...options, timeoutMs: 500 });
    // Opens, takes in an empty page, takes what waits: and then the answer cannot be settled.
    driver.plan("none", "none", "none", "request lost", "request lost");
    await failureOf(died.now());
    const next = stores.sync(device, options);
    expect(await next.now()).toMatchObject({ pushed: 0, done: false });
    expect(await next.status()).toMatchObject({ inFlight: 7 });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await next.now()).toMatchObject({ pushed: 7, done: true });
    await expectInStep(server, device);
  });
});

describe("two syncs of one store with one remote", () => {
  it("share the work", async () => {
    const { server, device, options } = await pair(stores);
    const small = { ...options, limits: { maxMutations: 1, maxChanges: 1 } };
    const syncs = [stores.sync(device, small), stores.sync(device, small)];
    for (let round = 0; round < 4; round++) await Promise.all(syncs.map((sync) => sync.now()));
    await expectInStep(server, device);
  });
});
