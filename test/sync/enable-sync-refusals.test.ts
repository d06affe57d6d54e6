import { describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { collectTombstones } from "../../src/sync/collect.ts";
import type { MutationResult, Replica } from "../../src/sync/replica.ts";
import { storeReplica } from "../../src/sync/store-replica.ts";
import { failureOf } from "../contract/store.ts";
import { expectInStep, pair } from "./sync-pair.ts";
import { contentOf, heard, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

describe("a remote that does not know the client", () => {
  const forget = (server: Store) =>
    stores.driver().query({ text: "delete from persist.persist_sync_clients where store = $1", params: [server.name] });

  it("gets a new one", async () => {
    const { server, device, options } = await pair(stores);
    const sync = stores.sync(device, options);
    await sync.now();
    await forget(server);
    await device.records.put("d", 1);
    expect(await sync.now()).toMatchObject({ pushed: 1, done: true });
    await expectInStep(server, device);
    expect(await server.records.get("d")).toMatchObject({ value: 1, version: 1 });
  });

  it("gets a new one when mutations are missing", async () => {
    const { server, device, options } = await pair(stores);
    const sync = stores.sync(device, options);
    await sync.now();
    const text = "update persist.persist_sync_clients set last_mutation = 1, recent = null where store = $1";
    await stores.driver().query({ text, params: [server.name] });
    await device.records.put("d", 1);
    expect(await sync.now()).toMatchObject({ pushed: 1, done: true });
    await expectInStep(server, device);
  });

  it("gets a new one when the old one belongs to somebody else, and that only once", async () => {
    const { server, device, options } = await pair(stores);
    await stores.sync(device, options).now();
    const driver = stores.driver();
    const other = storeReplica({ driver, store: server.name, principal: "another" });
    await device.records.put("d", 1);
    expect(await stores.sync(device, { ...options, remote: other }).now()).toMatchObject({ pushed: 1, done: true });
    await expectInStep(server, device);

    const refusing: Replica = { ...other, push: async () => ({ refused: "forbidden" }) };
    await device.records.put("d", 2);
    const failed = stores.sync(device, { ...options, remote: refusing }).now();
    expect(await failureOf(failed)).toMatchObject({ code: "forbidden" });
    const forgetful: Replica = { ...other, push: async () => ({ refused: "unknown-client" }) };
    const failedToo = stores.sync(device, { ...options, remote: forgetful }).now();
    expect(await failureOf(failedToo)).toMatchObject({ code: "resync", retryable: true });
    await stores.sync(device, { ...options, remote: other }).now();
    expect((await server.records.get("d")).value).toBe(2);
  });
});

describe("a remote that cannot continue from the cursor", () => {
  const newEpoch = (server: Store) =>
    stores.driver().query({
      text: "update persist.persist_sync_clock set epoch = gen_random_uuid() where store = $1",
      params: [server.name],
    });

  it("is read from the start, and edits are kept", async () => {
    const { server, device, options } = await pair(stores);
    const sync = stores.sync(device, options);
    await sync.now();
    await newEpoch(server);
    await device.records.put("d", 1);
    await server.records.put("e", 1);
    const told = heard(device, "sync:resync");
    expect(await sync.now()).toMatchObject({ resyncs: 1, done: true });
    expect(told).toMatchObject([{ why: "epoch" }]);
    await expectInStep(server, device);
    expect((await contentOf(server)).records).toMatchObject({ d: 1, e: 1 });
    expect((await sync.status()).resync).toBeUndefined();
  });

  it("is read from the start in parts, and across an error", async () => {
    const { server, device, replica, options } = await pair(stores);
    const sync = stores.sync(device, { ...options, limits: { maxChanges: 2 } });
    await sync.now();
    await newEpoch(server);
    await device.records.put("d", 1);
    replica.plan("none", "none", "request lost");
    await failureOf(sync.now());
    expect((await sync.status()).resync).toBe("epoch");
    expect((await sync.status()).pending).toBeGreaterThan(0);
    expect(await sync.now()).toMatchObject({ resyncs: 0, done: true });
    await expectInStep(server, device);
    expect((await contentOf(server)).records).toMatchObject({ d: 1 });
  });

  it("is left alone after some attempts when it refuses its own cursors", async () => {
    const { device, replica, options } = await pair(stores);
    const remote: Replica = { ...replica, pull: async () => ({ resync: "epoch" }) };
    expect(await failureOf(stores.sync(device, { ...options, remote }).now())).toMatchObject({ code: "resync" });
  });
});

describe("an edit that the remote does not take", () => {
  it("is put aside, and holds up nothing", async () => {
    const { server, device, options } = await pair(stores);
    await device.records.put("big", "x".repeat(300_000));
    await device.records.put("z", 1);
    const told = heard(device, "sync:dead-letter");
    const sync = stores.sync(device, options);
    expect(await sync.now()).toMatchObject({ rejected: 1, done: true });
    expect(told).toMatchObject([{ kind: "record", key: "big", reason: "too-large" }]);
    expect((await contentOf(server)).records).toMatchObject({ z: 1 });
    expect(await sync.failed()).toMatchObject([{ key: "big", operation: "put", reason: "too-large", attempts: 1 }]);
    await device.records.put("big", "small");
    await sync.now();
    expect(await sync.failed()).toEqual([]);
    await expectInStep(server, device);
  });

  it("is put aside with the end of its life", async () => {
    const { server, device, options } = await pair(stores);
    const sync = stores.sync(device, options);
    await server.kv.set("life", 1);
    await sync.now();
    await server.kv.delete("life");
    await collectTombstones({ driver: stores.driver(), store: server.name }, { olderThanMs: 0 });
    await server.kv.set("other", 1);
    await device.kv.set("life", 2, { ttl: 3_600_000 });
    const pulling = stores.sync(device, { ...options, direction: "pull" });
    expect(await pulling.now()).toMatchObject({ conflicts: 1, done: true });
    expect(await sync.failed()).toMatchObject([{ key: "life", reason: "gone" }]);
    await sync.redrive();
    await sync.now();
    const [entry] = await server.kv.list({ prefix: "life" });
    expect(entry).toMatchObject({ key: "life", value: 2, expiresAt: expect.any(Date) });
  });

  it("is put aside when it makes a batch that is too large on its own", async () => {
    const { server, device, options } = await pair(stores);
    await device.records.put("big", "x".repeat(1_048_000));
    await device.records.put("z", 1);
    const sync = stores.sync(device, { ...options, remote: stores.replica(server) });
    expect(await sync.now()).toMatchObject({ rejected: 1, done: true });
    expect(await sync.failed()).toMatchObject([{ key: "big", reason: "too-large" }]);
    expect((await contentOf(server)).records).toMatchObject({ z: 1 });
  });

  it("goes in smaller batches where the remote's limits are lower", async () => {
    const { server, device, options } = await pair(stores);
    const limits = { maxMutations: 2, maxPushBytes: 400 };
    const remote = storeReplica({ driver: stores.driver(), store: server.name, principal: "p", limits });
    expect(await stores.sync(device, { ...options, remote }).now()).toMatchObject({
      pushed: 7,
      rejected: 0,
      done: true,
    });
    await expectInStep(server, device);
  });

  it("does not keep what is new from coming in", async () => {
    const { server, device, replica, options } = await pair(stores);
    const remote: Replica = {
      ...replica,
      push: () =>
        storeReplica({ driver: stores.driver(), store: server.name, principal: "p" }).push({
          client: "",
          mutations: [],
        }),
    };
    const sync = stores.sync(device, { ...options, remote });
    expect(await failureOf(sync.now())).toMatchObject({ code: "validation" });
    expect((await device.records.get("s")).value).toBe(1);
  });
});

describe("a clock that is ahead", () => {
  it("is corrected where the remote refuses its stamps", async () => {
    const { server, device, options } = await pair(stores);
    const text = "update persist.persist_kv set updated_at = updated_at + interval '10 minutes' where store = $1";
    await stores.driver().query({ text, params: [device.name] });
    const sync = stores.sync(device, options);
    expect(await sync.now()).toMatchObject({ done: true });
    await expectInStep(server, device);
    expect((await contentOf(server)).kv).toEqual({ k: device.name });
  });

  it("is given up on where that does not help", async () => {
    const { device, replica, options } = await pair(stores);
    const serverTime = "2026-01-01T00:00:00.000000Z";
    const remote: Replica = {
      ...replica,
      async push(batch, call) {
        const answer = await replica.push(batch, call);
        if (!("results" in answer)) return answer;
        const results = answer.results.map(({ id }): MutationResult => ({ id, status: "skew", serverTime }));
        return { ...answer, results };
      },
    };
    await device.kv.set("k", 2);
    const sync = stores.sync(device, { ...options, remote, strategy: "last-write-wins" });
    expect(await failureOf(sync.now())).toMatchObject({ code: "validation", retryable: true });
  });
});
