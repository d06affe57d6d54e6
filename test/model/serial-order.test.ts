import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { type Call, emptyModel } from "./call.ts";
import { append } from "./event-calls.ts";
import { get, remove as removeEntry, set } from "./kv-calls.ts";
import { compareAndSet, increment, setIfAbsent } from "./kv-conditional-calls.ts";
import { find, patch, put, remove } from "./record-calls.ts";
import { newSeed } from "./schedules.ts";
import { type MadeCall, runClients, serialOrder } from "./serial-order.ts";
import { type Operation, transaction } from "./transaction-calls.ts";

type Expected = number | "absent" | "present" | undefined;
const anyExpected = fc.constantFrom<Expected>(undefined, undefined, 1, 2, "absent", "present");
const anyPresence = fc.constantFrom<Expected>(undefined, undefined, 1, 2, "present");
const anyId = fc.constantFrom("1", "2", undefined);
const anyNumber = fc.nat(2);
const forEver = fc.constant("for ever" as const);

/** One record, one stream and one entry of kv, which all clients share. */
const record = fc.constant("k");
const stream = fc.constant("s");
const entry = fc.constant("n");

/**
 * At most one operation on each. A delete of what is absent holds nothing: what a transaction does to the same key afterwards may
 * come after somebody else's write.
 */
const anyOperations: fc.Arbitrary<readonly Operation[]> = fc
  .tuple(
    fc.oneof(
      fc.record({ op: fc.constant("put" as const), key: record, value: anyNumber, expectation: anyExpected }),
      fc.record({
        op: fc.constant("check" as const),
        key: record,
        expectedVersion: fc.constantFrom(1, 2, "absent" as const),
      }),
    ),
    fc.record({ op: fc.constant("append" as const), stream, payload: anyNumber, id: anyId }),
    fc.record({ op: fc.constant("kv.increment" as const), key: entry, by: fc.constant(1) }),
  )
  .chain((operations) => fc.shuffledSubarray<Operation>(operations));

const anyCall: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(record, anyNumber, anyExpected).map(put),
  fc.tuple(record, fc.constantFrom({ a: 1 }, { a: null }, 1), anyPresence).map(patch),
  fc.tuple(record, anyPresence).map(remove),
  record.map(find),
  fc.tuple(stream, anyNumber, anyId, fc.constant({}), anyExpected).map(append),
  fc.tuple(entry, anyNumber, forEver).map(set),
  fc.tuple(entry, fc.constant(1), forEver).map(increment),
  fc.tuple(entry, anyNumber, forEver).map(setIfAbsent),
  fc.tuple(entry, anyNumber, anyNumber, forEver).map(compareAndSet),
  entry.map(removeEntry),
  entry.map(get),
);

const anyCallOrTransaction = fc.oneof(
  { weight: 3, arbitrary: anyCall },
  { weight: 1, arbitrary: anyOperations.map(transaction) },
);

describe("calls of three clients at once", () => {
  const database = withNewDatabase();
  const drivers: Driver[] = [];
  beforeAll(() => {
    const { postgres: url } = database();
    drivers.push(pg(url, { poolSize: 1 }), postgres(url, { poolSize: 1 }), pg(database().pgbouncer, { poolSize: 1 }));
  });
  afterAll(() => Promise.all(drivers.map((driver) => driver.close())));

  async function openStores(): Promise<Store[]> {
    const name = crypto.randomUUID();
    return Promise.all(drivers.map((driver) => createStore(name, { driver })));
  }

  async function findOrders(open: () => Promise<Store[]>, numRuns: number): Promise<void> {
    const seed = newSeed();
    console.info(`serial order: seed ${seed}`);
    const anyClients = fc.array(fc.array(anyCallOrTransaction, { maxLength: 5, size: "max" }), {
      minLength: 3,
      maxLength: 3,
    });
    const property = fc.asyncProperty(anyClients, async (clients) => {
      const histories = await runClients(await open(), clients, emptyModel());
      if (serialOrder(histories, emptyModel()) === undefined) throw new Error(tell(histories));
    });
    const { failed, counterexamplePath, errorInstance } = await fc.check(property, { numRuns, seed });
    if (failed) throw new Error(`no order explains this (seed ${seed}, path ${counterexamplePath}):\n${errorInstance}`);
  }

  it("come to what they would come to one after the other, in some order", { timeout: 120_000 }, async () => {
    await findOrders(openStores, 300);
  });

  it("are found out when one of them reads first and writes then", { timeout: 120_000 }, async () => {
    async function openWrong(): Promise<Store[]> {
      const stores = await openStores();
      return stores.map((store) => ({
        ...store,
        kv: { ...store.kv, increment: (key, by = 1) => readThenAdd(store, key, by) },
      }));
    }
    async function readThenAdd({ kv }: Store, key: string, by: number): Promise<number> {
      const sum = ((await kv.get<number>(key)) ?? 0) + by;
      await kv.set(key, sum);
      return sum;
    }
    await expect(findOrders(openWrong, 3000)).rejects.toThrow(/kv\.increment/);
  });

  it("give every write of a key a version of its own, from 1 without a hole", async () => {
    const clients = Array.from({ length: 3 }, () => Array.from({ length: 20 }, (_, i) => put(["k", i, undefined])));
    const histories = await runClients(await openStores(), clients, emptyModel());
    const versions = histories.flat().map(({ answer }) => Number((answer as { version: number }).version));
    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });
});

describe("serialOrder", () => {
  const made = (call: Call, answer: unknown, startedAt: number, endedAt: number) => ({
    call,
    answer,
    startedAt,
    endedAt,
  });
  const written = { key: "k", value: 1, version: 1 };

  it("finds that a read which began after a write had ended must see it", () => {
    const write = made(put(["k", 1, undefined]), written, 1, 2);
    expect(serialOrder([[write], [made(find("k"), undefined, 3, 4)]], emptyModel())).toBeUndefined();
    expect(serialOrder([[write], [made(find("k"), undefined, 1.5, 4)]], emptyModel())).toHaveLength(2);
    expect(serialOrder([[write], [made(find("k"), written, 3, 4)]], emptyModel())).toHaveLength(2);
  });

  it("finds that two writes cannot have had the same version", () => {
    const write = () => made(put(["k", 1, undefined]), written, 1, 4);
    expect(serialOrder([[write()], [write()]], emptyModel())).toBeUndefined();
  });
});

function tell(histories: readonly (readonly MadeCall[])[]): string {
  const lines = histories.flatMap((history, client) => history.map((made) => ({ ...made, client })));
  return lines
    .sort((a, b) => a.startedAt - b.startedAt)
    .map(
      ({ client, call, answer, startedAt, endedAt }) =>
        `  ${client} [${startedAt}-${endedAt}] ${call.text} → ${fc.stringify(answer)}`,
    )
    .join("\n");
}
