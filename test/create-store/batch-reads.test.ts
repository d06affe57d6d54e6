import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { postgres } from "../../src/driver/postgres.ts";
import {
  type BatchOptions,
  createStore,
  type Driver,
  PersistError,
  type Statement,
  type Store,
} from "../../src/index.ts";
import { withNewDatabase } from "../stores/new-database.ts";

interface SentCall {
  readonly kind: "query" | "batch";
  readonly statements: readonly Statement[];
  readonly options: BatchOptions | undefined;
}

describe("batchReads", () => {
  const database = withNewDatabase();
  const sent: SentCall[] = [];
  /** Fails the next batch with this, if set. */
  let failure: unknown;
  let store: Store;
  beforeAll(async () => {
    const driver = postgres(database().postgres, { poolSize: 4 });
    store = await createStore("s", { driver: recording(driver), batchReads: true });
    await store.records.put("a", 1);
    await store.records.put("b", { n: 2 });
    await store.events.append("e", [1, 2]);
    await store.kv.set("k", "v");
  });
  afterAll(() => store.close());
  beforeEach(() => {
    sent.splice(0);
    failure = undefined;
  });

  function recording(driver: Driver): Driver {
    return {
      ...driver,
      query(statement, options) {
        sent.push({ kind: "query", statements: [statement], options });
        return driver.query(statement, options);
      },
      batch(statements, options) {
        sent.push({ kind: "batch", statements, options });
        return failure === undefined ? driver.batch(statements, options) : Promise.reject(failure);
      },
    };
  }

  const kinds = () => sent.map(({ kind, statements }) => `${kind} ${statements.length}`);

  it("sends the reads of one tick as one read-only batch, and gives each its own answer", async () => {
    const { records, events, kv } = store;
    const answers = await Promise.all([
      records.get("a"),
      records.find("none"),
      records.list({ prefix: "b" }),
      records.getMany(["b", "none"]),
      events.list({ stream: "e" }),
      events.readAll(),
      kv.get("k"),
      kv.has("k"),
      kv.list(),
      kv.getMany(["k"]),
    ]);
    expect(kinds()).toEqual(["batch 10"]);
    expect(sent[0]?.options).toMatchObject({ readOnly: true });
    expect(answers).toMatchObject([
      { value: 1 },
      undefined,
      [{ value: { n: 2 } }],
      [{ value: { n: 2 } }, undefined],
      [{ payload: 1 }, { payload: 2 }],
      { events: [{}, {}] },
      "v",
      true,
      [{ value: "v" }],
      ["v"],
    ]);
  });

  it("sends one alone as a plain query, and writes as ever", async () => {
    await store.records.get("a");
    await Promise.all([store.kv.get("k"), store.kv.set("k2", 1), store.records.put("c", 1), store.kv.delete("k2")]);
    await Promise.all([store.sql`select 1`, store.sql`select 2`]);
    expect(kinds()).toEqual(["query 1", "query 1", "query 1", "query 1", "query 1", "batch 1", "batch 1"]);
  });

  it("sends what was asked in a later tick by itself", async () => {
    const first = store.kv.get("k");
    await Promise.resolve();
    await Promise.resolve();
    await Promise.all([first, store.kv.get("k")]);
    expect(kinds()).toEqual(["query 1", "query 1"]);
  });

  it("lets a read that finds nothing fail alone", async () => {
    const outcomes = await Promise.allSettled([store.records.get("a"), store.records.get("none")]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(kinds()).toEqual(["batch 2"]);
  });

  it("sends each alone when the batch fails, so that one does not take the others with it", async () => {
    const search = () => store.records.search("x", { language: "no_such_language" });
    const outcomes = await Promise.allSettled([store.records.get("a"), search(), store.kv.get("k")]);
    expect(outcomes).toMatchObject([
      { status: "fulfilled", value: { value: 1 } },
      { status: "rejected" },
      { status: "fulfilled", value: "v" },
    ]);
    expect(kinds()).toEqual(["batch 3", "query 1", "query 1", "query 1"]);
  });

  it("does not ask again when that would be no better", async () => {
    failure = new PersistError("closed", "closed", { outcome: "not-sent" });
    const outcomes = await Promise.allSettled([store.kv.get("k"), store.kv.get("k")]);
    expect(outcomes).toMatchObject([{ reason: failure }, { reason: failure }]);
    expect(kinds()).toEqual(["batch 2"]);
  });

  it("sends at most 50 in a batch, and no more text than goes in one flight", async () => {
    const few = await Promise.all(Array.from({ length: 60 }, () => store.kv.has("k")));
    expect(few).toEqual(few.map(() => true));
    expect(sent.flatMap(({ statements }) => statements)).toHaveLength(60);
    expect(sent.length).toBeLessThan(5);
    for (const { statements } of sent) {
      expect(statements.length).toBeLessThanOrEqual(50);
      const chars = statements.reduce((sum, { text, params }) => sum + text.length + params.join("").length, 0);
      expect(chars).toBeLessThanOrEqual(8000);
    }
    sent.splice(0);
    await Promise.all([
      store.kv.get("k".repeat(1024)),
      ...Array.from({ length: 12 }, () => store.kv.get("x".repeat(900))),
    ]);
    expect(sent.length).toBeGreaterThan(1);
  });

  it("ends the wait of whoever gives up, and of nobody else", async () => {
    const abort = new AbortController();
    const calls = [store.kv.get("k", { signal: abort.signal }), store.kv.get("k"), store.kv.has("k")];
    queueMicrotask(() => queueMicrotask(() => abort.abort()));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes).toMatchObject([
      { status: "rejected", reason: { code: "aborted" } },
      { status: "fulfilled", value: "v" },
      { status: "fulfilled", value: true },
    ]);
    expect(kinds()).toEqual(["batch 3"]);
    expect(sent[0]?.options?.signal?.aborted).toBe(false);
  });

  it("ends the batch when everybody has given up, and leaves out who had before", async () => {
    const abort = new AbortController();
    const before = store.kv.get("k", { signal: AbortSignal.abort() });
    const calls = [store.kv.get("k", { signal: abort.signal }), store.kv.get("k", { signal: abort.signal })];
    queueMicrotask(() => queueMicrotask(() => abort.abort()));
    const outcomes = await Promise.allSettled([before, ...calls]);
    expect(outcomes).toMatchObject([
      { reason: { code: "aborted", outcome: "not-sent" } },
      { reason: { code: "aborted" } },
      { reason: { code: "aborted" } },
    ]);
    expect(kinds()).toEqual(["query 1", "batch 2"]);
    expect(sent[1]?.options?.signal?.aborted).toBe(true);
  });

  it("keeps the deadline of each", async () => {
    const calls = [store.kv.get("k", { timeoutMs: 5000 }), store.kv.get("k", { timeoutMs: 8000 }), store.kv.get("k")];
    expect(await Promise.all(calls)).toEqual(["v", "v", "v"]);
    expect(sent.map(({ kind, options }) => [kind, options?.timeoutMs])).toEqual([
      ["batch", 8000],
      ["query", undefined],
    ]);
  });

  it("creates the tables as ever when they are missing", async () => {
    const driver = postgres(database().postgres);
    const fresh = await createStore("s", { driver, schema: "fresh", batchReads: true });
    expect(await Promise.all([fresh.kv.get("k"), fresh.records.find("a")])).toEqual([undefined, undefined]);
    await fresh.close();
  });
});
