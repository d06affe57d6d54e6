import fc from "fast-check";
import type { TransactionOperation } from "../../src/stores/transaction-operation.ts";
import { anyExpectation, anyKey, anyValue, byBytes, type Expectation, expectedVersion, holds } from "./alphabet.ts";
import { type Call, type StoreModel, textOf } from "./call.ts";
import { anyStream, seen as seenEvent } from "./event-calls.ts";
import { appendEvents, headOf } from "./event-model.ts";
import { deleteEntry, incrementEntry, setEntry } from "./kv-model.ts";
import { conflict, isRefusal, type Outcome, refused } from "./outcome.ts";
import { seen as seenRecord } from "./record-calls.ts";
import { currentVersion, deleteRecord, patchRecord, putRecord } from "./record-model.ts";

/** An operation whose expectation is yet to be resolved. */
export type Operation = TransactionOperation & { readonly expectation?: Expectation };

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ op: fc.constant("put" as const), key: anyKey, value: anyValue, expectation: anyExpectation }),
  fc.record({ op: fc.constant("delete" as const), key: anyKey, expectation: anyExpectation }),
  fc.record({
    op: fc.constant("patch" as const),
    key: anyKey,
    patch: fc.constantFrom<unknown>({ a: 1 }, { a: null }, {}, 1),
    expectation: anyExpectation,
  }),
  fc.record({
    op: fc.constant("check" as const),
    key: anyKey,
    expectedVersion: fc.constant("absent" as const),
    expectation: fc.constantFrom<Expectation>("current", "current", "stale", "present", "absent"),
  }),
  fc.record({
    op: fc.constant("append" as const),
    stream: anyStream,
    payload: fc.nat(2),
    id: fc.constantFrom(undefined, undefined, "1", "2"),
    expectation: anyExpectation,
  }),
  fc.record({ op: fc.constant("kv.set" as const), key: anyKey, value: anyValue }),
  fc.record({ op: fc.constant("kv.delete" as const), key: anyKey }),
  fc.record({ op: fc.constant("kv.increment" as const), key: anyKey, by: fc.constantFrom(1, -1) }),
);

/** Calls of `store.transaction`. */
export const transactionCalls: readonly fc.Arbitrary<Call>[] = [
  fc.array(anyOperation, { maxLength: 5 }).map(transaction),
  fc.array(anyOperation, { maxLength: 5 }).map(transaction),
  fc.array(anyOperation, { maxLength: 5 }).map(transaction),
];

export function transaction(operations: readonly Operation[]): Call {
  return {
    text: textOf("transaction", operations),
    async send(store, model) {
      const resolved = operations.map((operation) => resolve(model, operation));
      return (await store.transaction(resolved)).map(seen);
    },
    apply(model, answer) {
      const resolved = operations.map((operation) => resolve(model, operation));
      if (resolved.some(isSenseless)) return refused("validation");
      const after = structuredClone(model);
      const outcomes: Outcome[] = resolved.map(() => undefined);
      for (const place of inOrder(resolved)) {
        const operation = resolved[place];
        if (operation === undefined) continue;
        const outcome = applyOperation(after, operation, Array.isArray(answer) ? answer[place] : undefined);
        if (isRefusal(outcome)) {
          return outcome.currentVersion === undefined ? outcome : conflict(outcome.currentVersion, place);
        }
        outcomes[place] = outcome;
      }
      Object.assign(model, after);
      return outcomes;
    },
  };
}

function resolve(model: StoreModel, { expectation, ...operation }: Operation): TransactionOperation {
  if (expectation === undefined || operation.op.startsWith("kv.")) return operation;
  const current =
    operation.op === "append"
      ? headOf(model.events, operation.stream)
      : currentVersion(model.records, keyOf(operation));
  return { ...operation, expectedVersion: expectedVersion(expectation, current) } as TransactionOperation;
}

/** What is expected to be absent can be neither deleted nor patched. */
function isSenseless(operation: TransactionOperation): boolean {
  if (operation.op !== "delete" && operation.op !== "patch") return false;
  const expected: unknown = operation.expectedVersion;
  return expected === "absent" || expected === 0;
}

/** Places in the order in which they are applied: records, then events, then kv; by key; as they were given. */
function inOrder(operations: readonly TransactionOperation[]): number[] {
  return [...operations.entries()]
    .sort(([, a], [, b]) => rankOf(a) - rankOf(b) || byBytes(keyOf(a), keyOf(b)))
    .map(([place]) => place);
}

function rankOf({ op }: TransactionOperation): number {
  return op.startsWith("kv.") ? 2 : op === "append" ? 1 : 0;
}

function keyOf(operation: TransactionOperation): string {
  return operation.op === "append" ? operation.stream : operation.key;
}

function applyOperation(model: StoreModel, operation: TransactionOperation, answer: Outcome): Outcome {
  switch (operation.op) {
    case "put":
      return putRecord(model.records, operation.key, operation.value, operation.expectedVersion);
    case "delete":
      return deleteRecord(model.records, operation.key, operation.expectedVersion);
    case "patch":
      return patchRecord(model.records, operation.key, operation.patch, operation.expectedVersion);
    case "check": {
      const current = currentVersion(model.records, operation.key);
      return holds(operation.expectedVersion, current) ? undefined : conflict(current);
    }
    case "append": {
      const { stream, payload, id, expectedVersion: expected } = operation;
      const event = { id: typeof id === "string" ? id : undefined, payload };
      const outcome = appendEvents(model.events, stream, [event], expected, [answer]);
      return Array.isArray(outcome) ? outcome[0] : outcome;
    }
    case "kv.set":
      return setEntry(model.kv, operation.key, operation.value, "for ever");
    case "kv.delete":
      return deleteEntry(model.kv, operation.key);
    case "kv.increment":
      return incrementEntry(model.kv, operation.key, operation.by ?? 1, "for ever");
  }
}

function seen(result: unknown): unknown {
  if (typeof result !== "object" || result === null) return result;
  return "timestamp" in result
    ? seenEvent(result as Parameters<typeof seenEvent>[0])
    : seenRecord(result as Parameters<typeof seenRecord>[0]);
}
