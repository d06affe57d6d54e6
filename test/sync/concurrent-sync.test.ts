import pgPackage from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { syncOnce } from "../../src/sync/sync-once.ts";
import { untilWaiting } from "../servers/lock-waits.ts";
import { createDatabase, type TestDatabase } from "../servers/provided.ts";
import { contentOf } from "./sync-stores.ts";

let database: TestDatabase;
let driver: Driver;
const sessions: pgPackage.Client[] = [];

beforeAll(async () => {
  database = await createDatabase(inject("servers").postgres);
  driver = pg(database.url, { poolSize: 8 });
});
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.end()));
});
afterAll(async () => {
  await driver.close();
  await database.drop();
});

const store = (name: string) => createStore(name, { driver });

/** Somebody in a transaction. */
async function session(): Promise<pgPackage.Client> {
  const client = new pgPackage.Client(database.url);
  sessions.push(client);
  await client.connect();
  await client.query("begin");
  return client;
}

describe("a page that meets a write of the same moment", () => {
  it("gives no place in the feed that it has not taken", async () => {
    const up = await store("up");
    const middle = await store("middle");
    const down = await store("down");
    const late = await store("late");
    await up.records.put("a", 1);
    await up.records.put("b", 1);
    await syncOnce(middle, up, { name: "up" });
    await syncOnce(down, middle, { name: "middle" });
    await up.records.put("a", 2);
    await up.records.put("b", 1);

    const writer = await session();
    await writer.query("select status from persist.record_put('middle', 'b', '\"mine\"', null)");
    // At first sight only one of the two differs.
    const syncing = syncOnce(middle, up, { name: "up", direction: "pull" });
    await untilWaiting(driver);
    await writer.query("commit");
    await syncing;

    for (const reader of [down, late]) {
      await syncOnce(reader, middle, { name: "middle" });
      await syncOnce(reader, middle, { name: "middle" });
      expect((await contentOf(reader)).records).toEqual((await contentOf(middle)).records);
    }
    expect((await late.records.get("a")).value).toBe(2);
  });
});

describe("decisions on conflicts", () => {
  it("take the lane before the rows, as every writer does, whichever decision comes first", async () => {
    const remote = await store("remote");
    const device = await store("device");
    for (const { records, name } of [remote, device]) {
      await records.put("a", name);
      await records.put("b", name);
    }
    await syncOnce(device, remote, { name: "remote", strategy: "manual" });
    // Two lanes, both of them held.
    const [one, other] = [await session(), await session()];
    await one.query("select status from persist.record_put('device', 'y', '1', null)");
    await other.query("select status from persist.record_put('device', 'z', '1', null)");
    const decisions = JSON.stringify([
      ["record", "a", 1, 1, "local"],
      ["record", "b", 1, 1, "remote"],
    ]);
    const resolving = driver.query({
      text: "select resolved from persist.sync_resolve('device', 'remote', $1, false, null)",
      params: [decisions],
    });
    await untilWaiting(driver);
    await other.query("select status from persist.record_put('device', 'a', '2', null)");
    await other.query("commit");
    await one.query("rollback");
    expect(await resolving).toHaveLength(1);
  });
});

describe("a lease", () => {
  it("is not ended by one who had it before", async () => {
    const remote = await store("leased-remote");
    const device = await store("leased");
    await syncOnce(device, remote, { name: "remote" });
    await device.records.put("a", 1);
    const take = async (owner: string, leaseMs: string) => {
      const text = "select status, client from persist.sync_take('leased', 'remote', $1, $2, 10, 100000, '', false)";
      return (await driver.query({ text, params: [owner, leaseMs] }))[0];
    };
    const first = await take("first", "0");
    expect(await take("second", "60000")).toMatchObject({ status: "ok" });
    await driver.query({
      text: "select applied from persist.sync_settle('leased', 'remote', 'first', $1, '[]', false)",
      params: [String(first?.["client"])],
    });
    expect(await take("third", "60000")).toMatchObject({ status: "busy" });
  });
});
