import pgPackage from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { ConflictError, transaction } from "../../src/index.ts";
import type { TransactionOperation } from "../../src/stores/transaction-operation.ts";
import { withNewDatabase } from "./new-database.ts";

describe("transactions at the same moment", () => {
  const database = withNewDatabase();
  let driver: Driver;
  let store: Store;
  let other: Store;
  let holder: pgPackage.Client;
  beforeAll(async () => {
    driver = postgres(database().postgres, { poolSize: 12 });
    store = await createStore("s", { driver });
    other = await createStore("other", { driver });
    await store.migrate();
    holder = new pgPackage.Client(database().postgres);
    await holder.connect();
  });
  afterAll(async () => {
    await holder.end();
    await driver.close();
  });

  /** Runs a transaction on another session, and lets it commit once `meanwhile` has been made to wait for it. */
  async function heldWhile(operations: readonly unknown[], meanwhile: () => Promise<unknown>): Promise<unknown> {
    await holder.query("begin");
    await holder.query("select place from persist.transact($1, $2)", ["s", JSON.stringify(operations)]);
    const outcome = meanwhile().catch((error: unknown) => error);
    await expect.poll(waiters).toBe(1);
    await holder.query("commit");
    return outcome;
  }

  async function waiters(): Promise<number> {
    const { rows } = await holder.query(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return rows[0].n;
  }

  it("keep what they checked as it was until they are committed", async () => {
    await store.records.put("there", 1);
    const put = await heldWhile([[0, "check", "there", null, "1"]], () => store.records.put("there", 2));
    expect(put).toMatchObject({ version: 2 });
    const gone = await heldWhile([[0, "check", "there", null, "present"]], () => store.records.delete("there"));
    expect(gone).toBe(true);
    const back = await heldWhile([[0, "check", "there", null, "absent"]], () =>
      store.records.put("there", 3, { expectedVersion: "absent" }),
    );
    expect(back).toMatchObject({ version: 4 });
  });

  it("keep what they found to be absent absent, though there is no row to lock", async () => {
    const late = () => store.records.put("nowhere", 1, { expectedVersion: "absent" });
    expect(await heldWhile([[0, "check", "nowhere", null, "absent"]], late)).toMatchObject({ version: 1 });
    const lost = await heldWhile(
      [
        [0, "check", "nobody", null, "absent"],
        [1, "put", "nobody", 1, null],
      ],
      () => store.transaction([{ op: "check", key: "nobody", expectedVersion: "absent" }]),
    );
    expect(lost).toMatchObject({ code: "conflict", currentVersion: 1 });
  });

  it("do not wait for each other when they only check the same record", async () => {
    await store.records.put("shared", 1);
    await holder.query("begin");
    await holder.query('select place from persist.transact(\'s\', \'[[0, "check", "shared", null, "1"]]\')');
    await store.transaction([
      { op: "check", key: "shared", expectedVersion: 1 },
      { op: "put", key: "beside", value: 1 },
    ]);
    await holder.query("commit");
  });

  it("cannot each write what the other found to be absent", async () => {
    for (let round = 0; round < 20; round++) {
      const [a, b] = [`skew/${round}/a`, `skew/${round}/b`];
      const outcomes = await Promise.allSettled(
        [
          [a, b],
          [b, a],
        ].map(([absent = "", written = ""]) =>
          store.transaction([
            { op: "check", key: absent, expectedVersion: "absent" },
            { op: "put", key: written, value: 1 },
          ]),
        ),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    }
  });

  it("tell the second of two that append one event id to different streams that it is taken", async () => {
    const second = await heldWhile([[0, "append", "first", [["id-1", 1, null, null]], null]], () =>
      store.transaction([{ op: "append", stream: "second", payload: 2, id: "id-1" }]),
    );
    expect(second).toBeInstanceOf(ConflictError);
    expect(second).toMatchObject({ part: 0 });
  });

  it("never end in a deadlock, whatever they touch and in whatever order it is given", async () => {
    const random = seeded(7);
    const pick = (n: number) => Math.floor(random() * n);
    const kinds: readonly ((key: string) => TransactionOperation)[] = [
      (key) => ({ op: "put", key, value: key }),
      (key) => ({ op: "delete", key }),
      (key) => ({ op: "check", key, expectedVersion: "absent" }),
      (key) => ({ op: "check", key, expectedVersion: "present" }),
      (key) => ({ op: "append", stream: key, payload: key }),
      (key) => ({ op: "kv.set", key, value: key }),
      (key) => ({ op: "kv.increment", key: `n${key}` }),
      (key) => ({ op: "kv.delete", key }),
    ];
    const operations = () =>
      Array.from({ length: 1 + pick(8) }, () => (kinds[pick(kinds.length)] ?? kinds[0])?.(`d/${pick(6)}`)).filter(
        (operation) => operation !== undefined,
      );
    const calls: readonly (() => Promise<unknown>)[] = [
      () => store.transaction(operations()),
      () => transaction([store, other].map((one) => ({ store: one, operations: operations() }))),
      () => transaction([other, store].map((one) => ({ store: one, operations: operations() }))),
      () => store.records.putMany(Array.from({ length: 4 }, () => ({ key: `d/${pick(6)}`, value: 1 }))),
      () => store.kv.setMany(Array.from({ length: 4 }, () => [`d/${pick(6)}`, 1] as const)),
    ];
    async function worker() {
      for (let turn = 0; turn < 30; turn++) {
        const call = calls[pick(calls.length)];
        const failure = await call?.().then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failure !== undefined) expect(failure).toBeInstanceOf(ConflictError);
      }
    }
    await Promise.all(Array.from({ length: 12 }, worker));
  });
});

/** Numbers from 0 up to 1, the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
