import { afterEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { createStore, type Driver, type StoredEvent, type StoredRecord, ValidationError } from "../../src/index.ts";
import type { Operations, TransactionOperation } from "../../src/stores/transaction-operation.ts";

const unused = {
  name: "unused",
  query: vi.fn(),
  batch: vi.fn(),
  close: async () => undefined,
} satisfies Driver;

const store = await createStore("s", { driver: unused, maxValueBytes: 3_000_000 });

describe("a transaction that cannot be sent as it is", () => {
  afterEach(() => {
    expect(unused.query).not.toHaveBeenCalled();
    expect(unused.batch).not.toHaveBeenCalled();
  });

  const put = { op: "put", key: "k", value: 1 };
  const refused: readonly [name: string, operation: unknown, message: RegExp][] = [
    ["no object", null, /operations\[1\] must be \{ op/],
    ["an operation that there is not", { op: "putt", key: "k" }, /op one of put, delete/],
    ["the name of an inherited member", { op: "toString", key: "k" }, /op one of/],
    ["a misspelt member", { ...put, expectedVerison: 1 }, /put has no member of that name; it takes key, value/],
    [
      "a member of another operation",
      { op: "kv.set", key: "k", value: 1, expectedVersion: 1 },
      /kv\.set has no member/,
    ],
    ["no key", { op: "put", value: 1 }, /operations\[1\] \(put\)\.key must be a string/],
    ["an empty key", { ...put, key: "" }, /key is empty/],
    ["no value", { op: "put", key: "k" }, /value is undefined/],
    ["a value that JSON would change", { ...put, value: { a: [Number.NaN] } }, /\(put\)\.value\.a\[0\] is NaN/],
    ["an expectation that is none", { ...put, expectedVersion: -1 }, /expectedVersion must be/],
    ["a delete of what is absent", { op: "delete", key: "k", expectedVersion: "absent" }, /needs no delete/],
    ["a patch of what is absent", { op: "patch", key: "k", patch: {}, expectedVersion: 0 }, /needs a put/],
    ["no patch", { op: "patch", key: "k" }, /patch is undefined/],
    ["a check of nothing", { op: "check", key: "k" }, /needs an expectedVersion/],
    ["neither payload nor payloads", { op: "append", stream: "e" }, /one payload, or a list/],
    ["payload and payloads", { op: "append", stream: "e", payload: 1, payloads: [1] }, /one payload, or a list/],
    ["an empty list of payloads", { op: "append", stream: "e", payloads: [] }, /list is empty/],
    ["payloads that are no list", { op: "append", stream: "e", payloads: { 0: 1 } }, /payloads must be an array/],
    ["one id for two events", { op: "append", stream: "e", payloads: [1, 2], id: "x" }, /one id for each/],
    [
      "an undefined payload",
      { op: "append", stream: "e", payload: undefined },
      /operations\[1\] \(append\): .*payload is undefined/,
    ],
    ["a life that is none", { op: "kv.set", key: "k", value: 1, ttl: 0 }, /ttl is a life/],
    ["a summand that is none", { op: "kv.increment", key: "k", by: Number.NaN }, /by must be a finite number/],
    ["a summand that is a string", { op: "kv.increment", key: "k", by: "1" }, /by must be a finite number/],
  ];
  for (const [name, operation, message] of refused) {
    it(`is refused for ${name}`, async () => {
      const call = store.transaction([put, operation] as unknown as Operations);
      await expect(call).rejects.toThrow(ValidationError);
      await expect(call).rejects.toThrow(message);
      await expect(call).rejects.toMatchObject({ outcome: "not-sent" });
    });
  }

  it("is refused for too many operations or bytes, and for what is no list", async () => {
    const many = Array.from({ length: 501 }, () => put as TransactionOperation);
    await expect(store.transaction(many)).rejects.toThrow(/at most 500/);
    const large = Array.from({ length: 3 }, () => ({ op: "put" as const, key: "k", value: "é".repeat(1_400_000) }));
    await expect(store.transaction(large)).rejects.toThrow(/more than 8388608 bytes/);
    await expect(store.transaction(new Array(2) as unknown as Operations)).rejects.toThrow(/operations\[0\] must be/);
    for (const list of [undefined, null, put, "[]"]) {
      await expect(store.transaction(list as unknown as Operations)).rejects.toThrow(/operations must be an array/);
    }
  });

  it("sends nothing for an empty list", async () => {
    expect(await store.transaction([])).toEqual([]);
  });
});

describe("the types of a transaction's results", () => {
  it("are those of its operations, in their places", () => {
    const call = () =>
      store.transaction([
        { op: "put", key: "k", value: { mag: 4.1 } },
        { op: "delete", key: "k", expectedVersion: "present" },
        { op: "patch", key: "k", patch: { mag: null } },
        { op: "check", key: "k", expectedVersion: 3 },
        { op: "append", stream: "e", payload: { seen: true } },
        { op: "append", stream: "e", payloads: [1, 2] },
        { op: "kv.set", key: "k", value: 1, ttl: 1 },
        { op: "kv.delete", key: "k" },
        { op: "kv.increment", key: "k" },
      ]);
    expectTypeOf(call).returns.resolves.toEqualTypeOf<
      readonly [
        StoredRecord<{ mag: number }>,
        boolean,
        StoredRecord,
        undefined,
        StoredEvent<{ seen: boolean }>,
        readonly StoredEvent<number>[],
        undefined,
        boolean,
        number,
      ]
    >();
  });

  it("are a list for a list that was put together at run time", () => {
    const puts = (values: readonly string[]) =>
      store.transaction(values.map((value) => ({ op: "put" as const, key: value, value })));
    expectTypeOf(puts).returns.resolves.toEqualTypeOf<readonly StoredRecord<string>[]>();
    expectTypeOf((list: TransactionOperation[]) => store.transaction(list)).returns.resolves.toExtend<
      readonly unknown[]
    >();
  });

  it("refuse what is not an operation", () => {
    const misuse = () => {
      // @ts-expect-error there is no such operation
      void store.transaction([{ op: "putt", key: "k", value: 1 }]);
      // @ts-expect-error a check says what it expects
      void store.transaction([{ op: "check", key: "k" }]);
      // @ts-expect-error what is absent needs no delete
      void store.transaction([{ op: "delete", key: "k", expectedVersion: "absent" }]);
      // @ts-expect-error one payload or several
      void store.transaction([{ op: "append", stream: "e", payload: 1, payloads: [1] }]);
    };
    expectTypeOf(misuse).toBeFunction();
  });
});
