import { expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { ConflictError, NotFoundError, ValidationError } from "../../src/errors.ts";
import { failureOf, type OpenStore } from "./store.ts";

type Write = (store: Store, options: { idempotencyKey: string }) => Promise<unknown>;

interface Case {
  readonly prepare?: (store: Store) => Promise<unknown>;
  readonly write: Write;
  /** Almost the same, but not the same. */
  readonly other: Write;
  readonly answer: unknown;
}

const at = expect.any(Date);
const id = expect.any(String);

const entry = (name: string, index: number) => ({ key: `once/bulk/${name}`, value: { index } });

const parts = (by: number) =>
  [
    { op: "put", key: "once/tx", value: { n: 1 } },
    { op: "append", stream: "once/tx", payload: [1] },
    { op: "kv.increment", key: "once/tx", by },
    { op: "delete", key: "once/never" },
    { op: "append", stream: "once/tx", payloads: ["a", "b"] },
  ] as const;

const cases: Readonly<Record<string, Case>> = {
  "records.put": {
    write: ({ records }, o) => records.put("once/put", { a: 1, b: [null] }, { ...o, expectedVersion: "absent" }),
    other: ({ records }, o) => records.put("once/put", { a: 2, b: [null] }, { ...o, expectedVersion: "absent" }),
    answer: { key: "once/put", value: { a: 1, b: [null] }, version: 1, updatedAt: at },
  },
  "records.put of null": {
    write: ({ records }, o) => records.put("once/null", null, o),
    other: ({ records }, o) => records.put("once/null", "null", o),
    answer: { key: "once/null", value: null, version: 1, updatedAt: at },
  },
  "records.patch": {
    prepare: ({ records }) => records.put("once/patch", { n: 1, gone: 1 }),
    write: ({ records }, o) => records.patch("once/patch", { n: 2, gone: null }, { ...o, expectedVersion: 1 }),
    other: ({ records }, o) => records.patch("once/patch", { n: 2 }, { ...o, expectedVersion: 1 }),
    answer: { key: "once/patch", value: { n: 2 }, version: 2, updatedAt: at },
  },
  "records.delete": {
    prepare: ({ records }) => records.put("once/deleted", 1),
    write: ({ records }, o) => records.delete("once/deleted", o),
    other: ({ records }, o) => records.delete("once/another", o),
    answer: true,
  },
  "records.delete of nothing": {
    write: ({ records }, o) => records.delete("once/never", o),
    other: ({ records }, o) => records.delete("once/never", { ...o, expectedVersion: 1 }),
    answer: false,
  },
  "records.putMany": {
    write: ({ records }, o) => records.putMany(["a", "b", "a"].map(entry), o),
    other: ({ records }, o) => records.putMany(["a", "b"].map(entry), o),
    answer: [
      { ...entry("a", 2), version: 1, updatedAt: at },
      { ...entry("b", 1), version: 1, updatedAt: at },
      { ...entry("a", 2), version: 1, updatedAt: at },
    ],
  },
  "records.deleteMany": {
    prepare: ({ records }) => records.putMany([1, 2].map((n) => ({ key: `once/many/${n}`, value: n }))),
    write: ({ records }, o) => records.deleteMany(["once/many/1", "once/many/2", "once/never"], o),
    other: ({ records }, o) => records.deleteMany(["once/many/1"], o),
    answer: 2,
  },
  "events.append": {
    write: ({ events }, o) => events.append("once", { n: 1 }, { ...o, type: "N", metadata: { by: "x" } }),
    other: ({ events }, o) => events.append("once", { n: 1 }, { ...o, type: "N" }),
    answer: { id, stream: "once", version: 1, payload: { n: 1 }, timestamp: at, type: "N", metadata: { by: "x" } },
  },
  "events.append of a list": {
    write: ({ events }, o) => events.append("once/list", [1, "two", null], { ...o, expectedVersion: "absent" }),
    other: ({ events }, o) => events.append("once/list", [1, "two"], { ...o, expectedVersion: "absent" }),
    answer: [1, "two", null].map((payload, i) => ({ id, stream: "once/list", version: i + 1, payload, timestamp: at })),
  },
  "kv.set": {
    write: ({ kv }, o) => kv.set("once/set", Uint8Array.of(1, 2), { ...o, ttl: 600_000 }),
    other: ({ kv }, o) => kv.set("once/set", Uint8Array.of(1, 2), o),
    answer: undefined,
  },
  "kv.delete": {
    prepare: ({ kv }) => kv.set("once/deleted", 1),
    write: ({ kv }, o) => kv.delete("once/deleted", o),
    other: ({ kv }, o) => kv.delete("once/another", o),
    answer: true,
  },
  "kv.setMany": {
    write: ({ kv }, o) => kv.setMany([["once/m1", 1], { key: "once/m2", value: null, ttl: 600_000 }], o),
    other: ({ kv }, o) => kv.setMany([["once/m1", 1]], o),
    answer: undefined,
  },
  "kv.deleteMany": {
    prepare: ({ kv }) => kv.setMany(["once/d1", "once/d2"].map((key) => [key, 1])),
    write: ({ kv }, o) => kv.deleteMany(["once/d1", "once/d2", "once/never"], o),
    other: ({ kv }, o) => kv.deleteMany(["once/d1"], o),
    answer: 2,
  },
  "kv.increment": {
    write: ({ kv }, o) => kv.increment("once/count", 0.1, { ...o, ttl: 600_000 }),
    other: ({ kv }, o) => kv.increment("once/count", 0.2, { ...o, ttl: 600_000 }),
    answer: 0.1,
  },
  "kv.setIfAbsent": {
    write: ({ kv }, o) => kv.setIfAbsent("once/absent", null, o),
    other: ({ kv }, o) => kv.setIfAbsent("once/absent", 1, o),
    answer: true,
  },
  "kv.compareAndSet": {
    prepare: ({ kv }) => kv.set("once/swap", { a: [null] }),
    write: ({ kv }, o) => kv.compareAndSet("once/swap", { a: [null] }, 2, o),
    other: ({ kv }, o) => kv.compareAndSet("once/swap", { a: [null] }, 3, o),
    answer: true,
  },
  "kv.compareAndSet that finds another value": {
    prepare: ({ kv }) => kv.set("once/differs", 1),
    write: ({ kv }, o) => kv.compareAndSet("once/differs", null, 2, o),
    other: ({ kv }, o) => kv.compareAndSet("once/differs", undefined, 2, o),
    answer: false,
  },
  transaction: {
    write: ({ transaction }, o) => transaction(parts(1), o),
    other: ({ transaction }, o) => transaction(parts(2), o),
    answer: [
      { key: "once/tx", value: { n: 1 }, version: 1, updatedAt: at },
      { id, stream: "once/tx", version: 1, payload: [1], timestamp: at },
      1,
      false,
      ["a", "b"].map((payload, i) => ({ id, stream: "once/tx", version: i + 2, payload, timestamp: at })),
    ],
  },
};

export function describeIdempotency(store: OpenStore): void {
  for (const [name, { prepare, write, other, answer: expected }] of Object.entries(cases)) {
    it(`${name} is done once for a key, and answers the same again`, async () => {
      const opened = store();
      await prepare?.(opened);
      const options = { idempotencyKey: `contract: ${name}` };
      const answer = await write(opened, options);
      expect(answer).toEqual(expected);
      const state = await stateOf(opened);
      expect(await write(opened, options)).toEqual(answer);
      expect(await write(opened, options)).toEqual(answer);

      const failure = await failureOf(other(opened, options));
      expect(failure).toBeInstanceOf(ValidationError);
      expect(failure).toMatchObject({ outcome: "rejected", message: expect.stringMatching(/used for something else/) });
      expect(await stateOf(opened)).toEqual(state);
      // Under a key of its own the same call is another write.
      await write(opened, { idempotencyKey: `${options.idempotencyKey}, again` }).catch(() => undefined);
    });
  }

  it("takes a value for the same whatever the order of its members, and ids of events for no part of it", async () => {
    const { records, events } = store();
    const record = await records.put("once/order", { a: 1, b: { c: 2, d: 3 } }, { idempotencyKey: "order" });
    expect(await records.put("once/order", { b: { d: 3, c: 2 }, a: 1 }, { idempotencyKey: "order" })).toMatchObject({
      version: record.version,
    });
    const event = await events.append("once/ids", 1, { id: "once-1", idempotencyKey: "ids" });
    expect(await events.append("once/ids", 1, { id: "once-2", idempotencyKey: "ids" })).toEqual(event);
    expect(await events.list({ stream: "once/ids" })).toEqual([event]);
  });

  it("keeps the key free when the write fails, so that it can be mended and sent again", async () => {
    const { records, events, kv, transaction } = store();
    const options = { idempotencyKey: "failed" };
    await records.put("once/there", 1);
    await kv.set("once/text", "x");
    await events.append("once/taken", 1, { id: "once-taken" });
    const failures: readonly (readonly [() => Promise<unknown>, object])[] = [
      [() => records.put("once/there", 2, { ...options, expectedVersion: 7 }), ConflictError],
      [() => records.delete("once/there", { ...options, expectedVersion: 7 }), ConflictError],
      [() => records.patch("once/none", {}, options), NotFoundError],
      [() => records.putMany([{ key: "once/there", value: 2, expectedVersion: "absent" }], options), ConflictError],
      [() => events.append("once/taken", 2, { ...options, expectedVersion: 7 }), ConflictError],
      [() => events.append("once/taken", 2, { ...options, id: "once-taken" }), ConflictError],
      [() => kv.increment("once/text", 1, options), ValidationError],
      [() => transaction([{ op: "check", key: "once/there", expectedVersion: "absent" }], options), ConflictError],
    ];
    for (const [failed, type] of failures) {
      const failure = await failureOf(failed());
      expect(failure).toBeInstanceOf(type);
      expect(failure).toMatchObject({ outcome: "rejected", message: expect.not.stringMatching(/idempotencyKey/) });
    }
    expect(await records.put("once/there", 2, { ...options, expectedVersion: 1 })).toMatchObject({ version: 2 });
    expect(await records.put("once/there", 2, { ...options, expectedVersion: 1 })).toMatchObject({ version: 2 });
  });

  it("lets one of sixteen with one key write, and gives all its answer", async () => {
    const { kv } = store();
    const calls = Array.from({ length: 16 }, () => kv.increment("once/race", 1, { idempotencyKey: "race" }));
    expect(await Promise.all(calls)).toEqual(calls.map(() => 1));
    expect(await kv.get("once/race")).toBe(1);
  });

  it("refuses a key that is none before anything is sent", async () => {
    const { kv, records } = store();
    for (const idempotencyKey of ["", "a\0", "x".repeat(1025), 7 as unknown as string]) {
      expect(await failureOf(kv.increment("once/none", 1, { idempotencyKey }))).toMatchObject({
        code: "validation",
        outcome: "not-sent",
        message: expect.stringMatching(/^kv\.increment: idempotencyKey/),
      });
      expect(await failureOf(records.put("once/none", 1, { idempotencyKey }))).toMatchObject({ code: "validation" });
    }
  });
}

/** Everything that the writes above could change, with versions and times. */
async function stateOf({ records, events, kv }: Store): Promise<unknown> {
  return [
    await records.list({ prefix: "once", limit: 1000 }),
    await kv.list({ prefix: "once", limit: 1000 }),
    await events.list({ stream: "once" }),
    await events.list({ stream: "once/list" }),
    await events.list({ stream: "once/tx" }),
  ];
}
