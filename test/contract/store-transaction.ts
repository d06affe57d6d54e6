import { expect, it } from "vitest";
import { ConflictError, NotFoundError, ValidationError } from "../../src/errors.ts";
import type { StoreEvent } from "../../src/stores/store-event.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeTransaction(store: OpenStore): void {
  it("applies every kind of operation and answers as its method does, in order", async () => {
    const { kv, records, events, transaction } = store();
    await records.put("tx/old", { a: 1, b: 2 });
    await records.put("tx/gone", 1);
    await kv.set("tx/kv-gone", 1);
    const bytes = Uint8Array.of(0, 255);
    const results = await transaction([
      { op: "kv.increment", key: "tx/count", by: 5 },
      { op: "put", key: "tx/new", value: { mag: 4.1 }, expectedVersion: "absent" },
      { op: "append", stream: "tx/stream", payload: [1, 2], type: "Two", metadata: { by: "x" }, id: "tx-1" },
      { op: "patch", key: "tx/old", patch: { b: null, c: 3 }, expectedVersion: 1 },
      { op: "delete", key: "tx/gone" },
      { op: "delete", key: "tx/never" },
      { op: "kv.set", key: "tx/bytes", value: bytes, ttl: 600_000 },
      { op: "kv.delete", key: "tx/kv-gone" },
      { op: "kv.delete", key: "tx/kv-never" },
      { op: "append", stream: "tx/many", payloads: [{ n: 1 }, { n: 2 }] },
      { op: "check", key: "tx/never", expectedVersion: "absent" },
      { op: "kv.increment", key: "tx/count" },
    ]);
    const at = expect.any(Date);
    const id = expect.any(String);
    expect(results).toEqual([
      5,
      { key: "tx/new", value: { mag: 4.1 }, version: 1, updatedAt: at },
      {
        id: "tx-1",
        stream: "tx/stream",
        version: 1,
        payload: [1, 2],
        timestamp: at,
        type: "Two",
        metadata: { by: "x" },
      },
      { key: "tx/old", value: { a: 1, c: 3 }, version: 2, updatedAt: at },
      true,
      false,
      undefined,
      true,
      false,
      [
        { id, stream: "tx/many", version: 1, payload: { n: 1 }, timestamp: at },
        { id, stream: "tx/many", version: 2, payload: { n: 2 }, timestamp: at },
      ],
      undefined,
      6,
    ]);
    expect(await records.get("tx/new")).toEqual(results[1]);
    expect(await events.list({ stream: "tx/stream" })).toEqual([results[2]]);
    expect(await records.get("tx/old")).toEqual(results[3]);
    expect(await events.list({ stream: "tx/many" })).toEqual(results[9]);
    expect(await records.find("tx/gone")).toBeUndefined();
    expect(await kv.get("tx/bytes")).toEqual(bytes);
    expect(await kv.list({ prefix: "tx/bytes" })).toMatchObject([{ expiresAt: at }]);
    expect(await kv.get("tx/count")).toBe(6);
  });

  it("writes nothing when one expectation does not hold, and says which and why", async () => {
    const { kv, records, events, transaction } = store();
    await records.put("tx/there", 1);
    await events.append("tx/at-1", 1);
    const writes = [
      { op: "put", key: "tx/a", value: 1 },
      { op: "append", stream: "tx/lost", payload: 1 },
      { op: "kv.set", key: "tx/lost", value: 1 },
    ] as const;
    const refused = [
      [{ op: "put", key: "tx/there", value: 2, expectedVersion: 7 }, 1],
      [{ op: "put", key: "tx/there", value: 2, expectedVersion: "absent" }, 1],
      [{ op: "put", key: "tx/zzz", value: 2, expectedVersion: "present" }, 0],
      [{ op: "delete", key: "tx/there", expectedVersion: 7 }, 1],
      [{ op: "patch", key: "tx/there", patch: {}, expectedVersion: 7 }, 1],
      [{ op: "append", stream: "tx/at-1", payload: 2, expectedVersion: 7 }, 1],
      [{ op: "check", key: "tx/there", expectedVersion: 2 }, 1],
      [{ op: "check", key: "tx/there", expectedVersion: "absent" }, 1],
      [{ op: "check", key: "tx/zzz", expectedVersion: "present" }, 0],
      [{ op: "check", key: "tx/zzz", expectedVersion: 1 }, 0],
    ] as const;
    for (const [operation, currentVersion] of refused) {
      const failure = await failureOf(transaction([...writes, operation]));
      expect(failure).toBeInstanceOf(ConflictError);
      expect(failure).toMatchObject({ code: "conflict", outcome: "rejected", part: 3, currentVersion });
      expect(failure).toMatchObject({ message: expect.stringContaining(`operations[3] (${operation.op})`) });
    }
    expect(await records.find("tx/a")).toBeUndefined();
    expect(await events.list({ stream: "tx/lost" })).toEqual([]);
    expect(await kv.has("tx/lost")).toBe(false);
    expect((await records.get("tx/there")).version).toBe(1);
  });

  it("goes through when what it checks holds", async () => {
    const { records, transaction } = store();
    await records.put("tx/checked", 1);
    await records.put("tx/deleted", 1);
    await records.delete("tx/deleted");
    const checks = [
      { op: "check", key: "tx/checked", expectedVersion: 1 },
      { op: "check", key: "tx/checked", expectedVersion: "present" },
      { op: "check", key: "tx/deleted", expectedVersion: "absent" },
      { op: "check", key: "tx/nothing", expectedVersion: 0 },
    ] as const;
    expect(await transaction(checks)).toEqual([undefined, undefined, undefined, undefined]);
    await transaction([...checks, { op: "put", key: "tx/after-checks", value: 1 }]);
    expect(await records.find("tx/after-checks")).toMatchObject({ version: 1 });
    expect((await records.get("tx/checked")).version).toBe(1);
    expect(await records.find("tx/nothing")).toBeUndefined();
    expect((await records.put("tx/nothing", 1)).version).toBe(1);
  });

  it("refuses as a whole what has no record to patch, no number to add to, or an id that is taken", async () => {
    const { kv, records, events, transaction } = store();
    await kv.set("tx/text", "x");
    await events.append("tx/owner", 1, { id: "tx-taken" });
    const put = { op: "put", key: "tx/b", value: 1 } as const;
    const missing = await failureOf(transaction([put, { op: "patch", key: "tx/zzz", patch: { a: 1 } }]));
    expect(missing).toBeInstanceOf(NotFoundError);
    expect(missing).toMatchObject({ message: expect.stringContaining("operations[1]") });
    const text = await failureOf(transaction([put, { op: "kv.increment", key: "tx/text" }]));
    expect(text).toBeInstanceOf(ValidationError);
    expect(text).toMatchObject({ outcome: "rejected" });
    const taken = await failureOf(transaction([{ op: "append", stream: "tx/thief", payload: 1, id: "tx-taken" }, put]));
    expect(taken).toMatchObject({ code: "conflict", part: 0 });
    expect(await records.find("tx/b")).toBeUndefined();
  });

  it("applies several operations on one key in their order", async () => {
    const { events, transaction } = store();
    const results = await transaction([
      { op: "put", key: "tx/one", value: 1, expectedVersion: "absent" },
      { op: "append", stream: "tx/one", payload: "a", expectedVersion: 0 },
      { op: "put", key: "tx/one", value: { n: 2 }, expectedVersion: 1 },
      { op: "patch", key: "tx/one", patch: { m: 3 }, expectedVersion: 2 },
      { op: "append", stream: "tx/one", payload: "b", expectedVersion: 1 },
      { op: "check", key: "tx/one", expectedVersion: 3 },
      { op: "delete", key: "tx/one", expectedVersion: 3 },
      { op: "check", key: "tx/one", expectedVersion: "absent" },
      { op: "put", key: "tx/one", value: "last", expectedVersion: "absent" },
    ]);
    expect(results[3]).toMatchObject({ value: { n: 2, m: 3 }, version: 3 });
    expect(results[6]).toBe(true);
    expect(results[8]).toMatchObject({ value: "last", version: 5 });
    expect((await events.list({ stream: "tx/one" })).map(({ payload }) => payload)).toEqual(["a", "b"]);
  });

  it("takes an event with a known id for the same event, beside what is new", async () => {
    const { events, transaction } = store();
    const append = { op: "append", stream: "tx/same", payload: { n: 1 }, id: "tx-same" } as const;
    const [first] = await transaction([append]);
    const [again, next] = await transaction([append, { ...append, payload: { n: 2 }, id: "tx-next" }]);
    expect(again).toEqual(first);
    expect(next.version).toBe(2);
    expect(await events.list({ stream: "tx/same" })).toEqual([first, next]);
  });

  it("lets one of twelve win that expect the same version, also when they come from both ends", async () => {
    const { records, transaction } = store();
    const keys = ["tx/race/a", "tx/race/b", "tx/race/c"];
    for (const key of keys) await records.put(key, 0);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 12 }, (_, i) => {
        const order = i % 2 === 0 ? keys : keys.toReversed();
        return transaction(order.map((key) => ({ op: "put" as const, key, value: i, expectedVersion: 1 })));
      }),
    );
    const lost = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(lost).toHaveLength(11);
    for (const error of lost) expect(error).toMatchObject({ code: "conflict", currentVersion: 2 });
    const values = await records.list({ prefix: "tx/race/" });
    expect(new Set(values.map(({ value, version }) => `${version}:${value}`)).size).toBe(1);
  });

  it("tells listeners of each part after it is done, and of the conflict when it is not", async () => {
    const { on, transaction, name } = store();
    const heard: StoreEvent[] = [];
    const off = on("*", (event) => event.type !== "query" && heard.push(event));
    await transaction([
      { op: "kv.set", key: "tx/heard", value: 1 },
      { op: "put", key: "tx/heard", value: 1 },
      { op: "append", stream: "tx/heard", payloads: [1, 2] },
      { op: "delete", key: "tx/heard" },
      { op: "kv.delete", key: "tx/heard" },
      { op: "kv.delete", key: "tx/heard" },
    ]);
    expect(heard.splice(0)).toEqual([
      { type: "kv:set", store: name, key: "tx/heard" },
      { type: "record:put", store: name, key: "tx/heard", version: 1 },
      { type: "event:append", store: name, stream: "tx/heard", count: 2, version: 2 },
      { type: "record:delete", store: name, key: "tx/heard" },
      { type: "kv:delete", store: name, key: "tx/heard" },
    ]);
    await failureOf(
      transaction([
        { op: "put", key: "tx/other", value: 1 },
        { op: "put", key: "tx/heard", value: 1, expectedVersion: 9 },
      ]),
    );
    off();
    expect(heard).toEqual([{ type: "record:conflict", store: name, key: "tx/heard", currentVersion: 0 }]);
  });

  it("takes 500 operations, and an empty list", async () => {
    const { records, transaction } = store();
    expect(await transaction([])).toEqual([]);
    const operations = Array.from({ length: 500 }, (_, i) => ({ op: "put" as const, key: `tx/bulk/${i}`, value: i }));
    const results = await transaction(operations);
    expect(results.map(({ value }) => value)).toEqual(operations.map(({ value }) => value));
    expect(await records.list({ prefix: "tx/bulk/", limit: 1000 })).toHaveLength(500);
  });
}
