import { describe, expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { ConnectionError, ValidationError } from "../../src/errors.ts";
import type { SyncReport } from "../../src/stores/sync-event.ts";
import { type SyncOnceOptions, syncOnce } from "../../src/sync/sync-once.ts";
import { failureOf } from "../contract/store.ts";
import { faultyReplica } from "./faulty.ts";
import { contentOf, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

async function pair(count = 30) {
  const server = await stores.store("server");
  const device = await stores.store("device");
  await server.records.putMany(Array.from({ length: count }, (_, n) => ({ key: `s${n}`, value: n })));
  await device.records.putMany(Array.from({ length: count }, (_, n) => ({ key: `d${n}`, value: n })));
  await device.events.append(
    "s",
    Array.from({ length: count }, (_, n) => n),
  );
  return { server, device };
}

async function untilDone(store: Store, options: SyncOnceOptions & { readonly remote: Store }): Promise<SyncReport[]> {
  const reports: SyncReport[] = [];
  const { remote, ...rest } = options;
  while (reports.length < 300) {
    const report = await syncOnce(store, remote, rest);
    reports.push(report);
    if (report.done) return reports;
  }
  throw new Error("it was never done");
}

describe("syncOnce", () => {
  it("does everything where there is no budget", async () => {
    const { server, device } = await pair();
    expect(await syncOnce(device, server)).toMatchObject({ pushed: 60, written: 30, done: true });
    expect(await contentOf(device)).toEqual(await contentOf(server));
    expect(await syncOnce(device, server)).toMatchObject({ pushed: 0, pulled: 0, done: true });
  });

  it("gets there with many small budgets", async () => {
    const { server, device } = await pair();
    const limits = { maxMutations: 5, maxChanges: 5 };
    const reports = await untilDone(device, { remote: server, budgetMs: 30, limits });
    expect(reports.length).toBeGreaterThan(1);
    expect(await contentOf(device)).toEqual(await contentOf(server));
    for (const { key, version } of await server.records.list({ limit: 1000 })) expect([key, version]).toEqual([key, 1]);
    expect(await server.events.list({ stream: "s", limit: 1000 })).toHaveLength(30);
  });

  it("begins nothing when there is no time", async () => {
    const { server, device } = await pair(1);
    const report = await syncOnce(device, server, { signal: AbortSignal.abort() });
    expect(report).toMatchObject({ pushed: 0, pulled: 0, done: false });
    expect(await server.records.find("d0")).toBeUndefined();
  });

  it("fails with the error of the remote", async () => {
    const { server, device } = await pair(1);
    const replica = faultyReplica(stores.replica(server));
    replica.plan("reply lost");
    expect(await failureOf(syncOnce(device, replica, { name: "server" }))).toBeInstanceOf(ConnectionError);
    expect(await syncOnce(device, replica, { name: "server" })).toMatchObject({ pushed: 2, done: true });
    expect((await server.records.get("d0")).version).toBe(1);
  });

  it("refuses a budget that is none", async () => {
    const { server, device } = await pair(1);
    for (const budgetMs of [0, -1, Number.NaN]) {
      expect(await failureOf(syncOnce(device, server, { budgetMs }))).toBeInstanceOf(ValidationError);
    }
  });
});

describe("directions", () => {
  it("pull brings in and sends nothing", async () => {
    const { server, device } = await pair(2);
    expect(await syncOnce(device, server, { direction: "pull" })).toMatchObject({ pushed: 0, written: 2, done: true });
    expect((await contentOf(server)).records).toEqual({ s0: 0, s1: 1 });
    expect((await contentOf(device)).records).toEqual({ s0: 0, s1: 1, d0: 0, d1: 1 });
    // Edits have waited, and nothing else.
    expect(await syncOnce(device, server)).toMatchObject({ pushed: 4, written: 0 });
    expect(await contentOf(device)).toEqual(await contentOf(server));
  });

  it("push sends and brings in nothing", async () => {
    const { server, device } = await pair(2);
    expect(await syncOnce(device, server, { direction: "push" })).toMatchObject({ pushed: 4, pulled: 0, done: true });
    expect((await contentOf(server)).records).toEqual({ s0: 0, s1: 1, d0: 0, d1: 1 });
    expect((await contentOf(device)).records).toEqual({ d0: 0, d1: 1 });
    await device.records.put("s0", "edited");
    expect(await syncOnce(device, server, { direction: "push" })).toMatchObject({ conflicts: 1, done: true });
    expect((await contentOf(device)).records).toEqual({ s0: 0, d0: 0, d1: 1 });
  });

  it("a scope keeps to keys and streams that begin so", async () => {
    const { server, device } = await pair(1);
    await server.kv.set("s", 1);
    await server.kv.set("t", 1);
    await syncOnce(device, server, { scope: "s" });
    expect(await contentOf(device)).toMatchObject({ records: { s0: 0, d0: 0 }, kv: { s: 1 } });
    const content = await contentOf(server);
    expect(content.records).toEqual({ s0: 0 });
    expect(content.events).toHaveLength(1);
  });
});
