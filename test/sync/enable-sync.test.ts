import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { enableSync } from "../../src/sync/enable-sync.ts";
import { refusingStore } from "../stores/refusing-store.ts";
import { contentOf, heard, withSyncStores } from "./sync-stores.ts";

const stores = withSyncStores();

/** A server, two devices and a sync for each of them. */
async function twoDevices() {
  const server = await stores.store("server");
  const one = await stores.store("one");
  const two = await stores.store("two");
  return {
    server,
    one,
    two,
    syncOne: stores.sync(one, { remote: server }),
    syncTwo: stores.sync(two, { remote: server }),
  };
}

describe("enableSync", () => {
  it("brings records, entries and events to the server and to another device", async () => {
    const { server, one, two, syncOne, syncTwo } = await twoDevices();
    await one.records.putMany([
      { key: "a", value: { n: 1 } },
      { key: "b", value: null },
    ]);
    await one.kv.set("theme", "dark");
    await one.events.append("audit", [1, 2, 3]);
    await server.records.put("c", "from the server");

    const report = await syncOne.now();
    expect(report).toMatchObject({ pushed: 6, conflicts: 0, rejected: 0, resyncs: 0, done: true });
    await syncTwo.now();
    const content = await contentOf(server);
    expect(content.records).toEqual({ a: { n: 1 }, b: null, c: "from the server" });
    expect(content.kv).toEqual({ theme: "dark" });
    expect(content.events.map(({ payload }) => payload)).toEqual([1, 2, 3]);
    expect(await contentOf(one)).toEqual(content);
    expect(await contentOf(two)).toEqual(content);
  });

  it("brings changes and deletions of both devices to each other", async () => {
    const { server, one, two, syncOne, syncTwo } = await twoDevices();
    await one.records.putMany(["a", "b", "c"].map((key) => ({ key, value: 0 })));
    await one.kv.setMany([
      ["x", 0],
      ["y", 0],
    ]);
    await syncOne.now();
    await syncTwo.now();
    await one.records.delete("a");
    await two.records.put("b", "two");
    await two.kv.delete("x");
    await one.kv.set("y", "one");
    for (const sync of [syncOne, syncTwo, syncOne]) await sync.now();
    const content = await contentOf(server);
    expect(content).toMatchObject({ records: { b: "two", c: 0 }, kv: { y: "one" } });
    expect(await contentOf(one)).toEqual(content);
    expect(await contentOf(two)).toEqual(content);
  });

  it("becomes silent: what was synced is neither sent nor written again", async () => {
    const { one, two, syncOne, syncTwo } = await twoDevices();
    await one.records.put("a", 1);
    await one.events.append("s", 1);
    for (const sync of [syncOne, syncTwo, syncOne, syncTwo]) await sync.now();
    const before = [await one.records.get("a"), await two.records.get("a")];
    for (const sync of [syncOne, syncTwo]) {
      expect(await sync.now()).toMatchObject({ pushed: 0, pulled: 0, written: 0, conflicts: 0, done: true });
    }
    expect([await one.records.get("a"), await two.records.get("a")]).toEqual(before);
  });

  it("keeps the events of a stream in the server's order, whoever appended them", async () => {
    const { server, one, two, syncOne, syncTwo } = await twoDevices();
    await one.events.append("s", ["one/1", "one/2"]);
    await two.events.append("s", ["two/1", "two/2"]);
    for (const sync of [syncTwo, syncOne, syncTwo, syncOne]) await sync.now();
    const { events } = await contentOf(server);
    expect(events.map(({ payload }) => payload)).toEqual(["two/1", "two/2", "one/1", "one/2"]);
    expect((await contentOf(one)).events).toEqual(events);
    expect((await contentOf(two)).events).toEqual(events);
  });

  it("gathers what was edited offline, as the last state of each key", async () => {
    const { server, one, syncOne } = await twoDevices();
    for (const n of [1, 2, 3]) await one.records.put("a", n);
    await one.records.put("gone", 1);
    await one.records.delete("gone");
    expect(await syncOne.now()).toMatchObject({ pushed: 1 });
    expect((await contentOf(server)).records).toEqual({ a: 3 });
  });

  it("tells of its rounds and of how far they have come", async () => {
    const { one, server, syncOne } = await twoDevices();
    await server.records.putMany(Array.from({ length: 5 }, (_, n) => ({ key: `s${n}`, value: n })));
    await one.records.putMany(Array.from({ length: 3 }, (_, n) => ({ key: `d${n}`, value: n })));
    const events = heard(one);
    const report = await syncOne.now();
    const remote = `store:${server.name}`;
    const base = { store: one.name, remote };
    expect(events).toEqual([
      { ...base, type: "sync:start" },
      // A first sync pulls before it pushes, and then pulls what it has pushed.
      { ...base, type: "sync:progress", phase: "pull", done: 5, total: 5 },
      { ...base, type: "sync:progress", phase: "push", done: 3, total: 3 },
      { ...base, type: "sync:progress", phase: "pull", done: 3, total: 3 },
      { ...base, type: "sync:complete", report },
    ]);
  });

  it("says how much there is to send where one batch does not hold it", async () => {
    const { one, server } = await twoDevices();
    const sync = stores.sync(one, { remote: server, name: "in parts", limits: { maxMutations: 4 } });
    await one.records.putMany(Array.from({ length: 10 }, (_, n) => ({ key: `d${n}`, value: n })));
    const events = heard(one, "sync:progress");
    await sync.now();
    expect(events.slice(0, 3)).toMatchObject([
      { phase: "push", done: 4, total: 10 },
      { phase: "push", done: 8, total: 10 },
      { phase: "push", done: 10, total: 10 },
    ]);
  });

  it("tells how it stands", async () => {
    const { one, server } = await twoDevices();
    const sync = stores.sync(one, { remote: server, name: "status" });
    expect(await sync.status()).toEqual({ state: "paused", pending: 0, inFlight: 0, failed: 0, conflicts: 0 });
    await sync.now();
    await one.records.put("a", 1);
    const status = await sync.status();
    expect(status).toMatchObject({ state: "paused", pending: 1, inFlight: 0, failed: 0, conflicts: 0 });
    expect(status.oldestPendingAgeMs).toBeGreaterThanOrEqual(0);
    expect(status.cursorAgeMs).toBeLessThan(60_000);
    expect(status.lastSyncedAt).toBeInstanceOf(Date);
    await sync.now();
    expect((await sync.status()).pending).toBe(0);
    await sync.stop();
    expect((await sync.status()).state).toBe("stopped");
  });
});

describe("options of enableSync", () => {
  it("are refused when they are not sound, before anything is sent", async () => {
    const store = await refusingStore();
    const remote = { push: () => Promise.reject(), pull: () => Promise.reject(), head: () => Promise.reject() };
    const bad: readonly object[] = [
      { remote },
      { remote: store },
      { remote: undefined },
      { remote: {} },
      { remote, name: "" },
      { remote, name: "r", strategy: "first-write-wins" },
      { remote, name: "r", strategy: "merge", merge: "no function" },
      { remote, name: "r", merge: () => 1 },
      { remote, name: "r", direction: "sideways" },
      { remote, name: "r", interval: 0 },
      { remote, name: "r", interval: Number.POSITIVE_INFINITY },
      { remote, name: "r", timeoutMs: 1.5 },
      { remote, name: "r", limits: { maxChanges: 0 } },
      { remote, name: "r", scope: "\0" },
      { remote, name: "r", live: true },
      { remote: "no URL" },
    ];
    for (const options of bad) {
      expect(() => enableSync(store, options as Parameters<typeof enableSync>[1]), JSON.stringify(options)).toThrow(
        ValidationError,
      );
    }
    expect(() => enableSync({} as typeof store, { remote, name: "r" })).toThrow(ValidationError);
  });
});
