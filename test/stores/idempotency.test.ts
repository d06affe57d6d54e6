import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { createStore, type Driver, type Store, transaction } from "../../src/index.ts";
import { failureOf } from "../contract/store.ts";
import { withNewDatabase } from "./new-database.ts";

describe("idempotency keys", () => {
  const database = withNewDatabase();
  let driver: Driver;
  let store: Store;
  beforeAll(async () => {
    driver = pg(database().postgres, { poolSize: 8 });
    store = await createStore("s", { driver });
    await store.migrate();
  });
  afterAll(() => driver.close());

  const rowsOf = (text: string) => driver.query({ text, params: [] });
  const keyCount = async (name: string) =>
    Number(
      (await rowsOf(`select count(*)::int as n from persist.persist_idempotency where store = '${name}'`))[0]?.["n"],
    );

  /** Brings the end of every key of a store nearer. */
  const letPass = (seconds: number, name: string) =>
    rowsOf(
      `update persist.persist_idempotency set expires_at = expires_at - interval '${seconds} s' where store = '${name}'`,
    );

  it("are forgotten when their life is over, and mean a new write then", async () => {
    const brief = await createStore("brief", { driver, idempotencyLifeMs: 60_000 });
    expect(await brief.kv.increment("n", 1, { idempotencyKey: "k" })).toBe(1);
    expect(await brief.kv.increment("n", 1, { idempotencyKey: "k" })).toBe(1);
    await letPass(60, "brief");
    expect(await brief.kv.increment("n", 5, { idempotencyKey: "k" })).toBe(6);
  });

  it("are cleared away by the calls that come after", async () => {
    const brief = await createStore("swept", { driver, idempotencyLifeMs: 60_000 });
    for (let n = 0; n < 20; n++) await brief.kv.set("n", n, { idempotencyKey: `old ${n}` });
    await letPass(60, "swept");
    const lasting = await createStore("swept", { driver });
    for (let n = 0; n < 8; n++) await lasting.kv.set("n", n, { idempotencyKey: `new ${n}` });
    expect(await keyCount("swept")).toBe(8);
  });

  it("are of one store", async () => {
    const other = await createStore("other", { driver });
    expect(await store.kv.increment("own", 1, { idempotencyKey: "own" })).toBe(1);
    expect(await other.kv.increment("own", 2, { idempotencyKey: "own" })).toBe(2);
  });

  it("move the feed once", async () => {
    const clock = () =>
      rowsOf("select lane, seq::text from persist.persist_sync_clock where store = 's' order by lane");
    await store.records.put("fed", 1, { idempotencyKey: "fed" });
    const before = await clock();
    await store.records.put("fed", 1, { idempotencyKey: "fed" });
    await failureOf(store.records.put("fed", 2, { idempotencyKey: "fed" }));
    expect(await clock()).toEqual(before);
  });

  for (const end of ["commit", "rollback"] as const) {
    it(`make a call wait for an earlier attempt that is still at it, up to its ${end}`, async () => {
      const earlier = new pgPackage.Client(database().postgres);
      await earlier.connect();
      await earlier.query("begin");
      const key = `held to ${end}`;
      const call = JSON.stringify(["kv_increment", key, "1", null]);
      await earlier.query("select status from persist.write_once($1, $2, $3, $4)", ["s", key, call, "60000"]);
      let isAnswered = false;
      const again = store.kv.increment(key, 1, { idempotencyKey: key }).finally(() => {
        isAnswered = true;
      });
      await vi.waitFor(async () => {
        const waiting = await rowsOf(
          "select 1 from pg_stat_activity where wait_event = 'transactionid' and query like '%write_once%'",
        );
        expect(waiting).toHaveLength(1);
      });
      expect(isAnswered).toBe(false);
      await earlier.query(end);
      expect(await again).toBe(1);
      expect(await store.kv.get(key)).toBe(1);
      await earlier.end();
    });
  }

  it("hold for a transaction across stores as a whole", async () => {
    const a = await createStore("a", { driver });
    const b = await createStore("b", { driver });
    const parts = [
      {
        store: b,
        operations: [
          { op: "kv.increment", key: "n" },
          { op: "append", stream: "s", payload: 1 },
        ],
      },
      {
        store: a,
        operations: [
          { op: "kv.increment", key: "n" },
          { op: "put", key: "r", value: 1 },
        ],
      },
    ] as const;
    const first = await transaction(parts, { idempotencyKey: "both" });
    expect(first).toMatchObject([
      [1, { version: 1 }],
      [1, { version: 1 }],
    ]);
    expect(await transaction(parts, { idempotencyKey: "both" })).toEqual(first);
    expect(await Promise.all([a.kv.get("n"), b.kv.get("n")])).toEqual([1, 1]);
  });

  it("are refused for a part of a transaction that was done by itself, and nothing is written anywhere", async () => {
    const a = await createStore("a2", { driver });
    const b = await createStore("b2", { driver });
    const operations = [{ op: "kv.increment", key: "n" }] as const;
    const options = { idempotencyKey: "alone" };
    expect(await b.transaction(operations, options)).toEqual([1]);
    const both = [
      { store: a, operations },
      { store: b, operations },
    ] as const;
    expect(await failureOf(transaction(both, options))).toMatchObject({ code: "validation", outcome: "rejected" });
    expect(await Promise.all([a.kv.get("n"), b.kv.get("n")])).toEqual([undefined, 1]);
    expect(await keyCount("a2")).toBe(0);
  });

  it("do not make two calls of many rows wait for each other in a circle", async () => {
    const rounds = Array.from({ length: 40 }, (_, n) => {
      const entries = Array.from({ length: 20 }, (__, i) => ({ key: `circle/${(i * (n + 1)) % 20}`, value: n }));
      return store.records.putMany(entries, { idempotencyKey: `circle ${n % 13}` }).catch((error: unknown) => error);
    });
    for (const answer of await Promise.all(rounds)) {
      if (!Array.isArray(answer)) expect(answer).toMatchObject({ code: "validation" });
    }
  });
});
