import { afterAll, beforeAll, describe } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { describeEventFeed } from "./store-event-feed.ts";
import { describeEvents } from "./store-events.ts";
import { describeIdempotency } from "./store-idempotency.ts";
import { describeKv } from "./store-kv.ts";
import { describeKvBulk } from "./store-kv-bulk.ts";
import { describeKvConditional } from "./store-kv-conditional.ts";
import { describeRecords } from "./store-records.ts";
import { describeRecordBulk } from "./store-records-bulk.ts";
import { describeRecordConflicts } from "./store-records-conflicts.ts";
import { describeRecordList } from "./store-records-list.ts";
import { describeRecordPatch } from "./store-records-patch.ts";
import { describeRecordSearch } from "./store-records-search.ts";
import { describeTypedRecords } from "./store-records-typed.ts";
import { describeSql } from "./store-sql.ts";
import { describeText } from "./store-text.ts";
import { describeTransaction } from "./store-transaction.ts";

/** Gives the store under test, within a test. */
export type OpenStore = () => Store;

/** What every store promises, whatever driver is below it. `open` gives a store that nobody else writes to. */
export function describeStore(label: string, open: () => Promise<Store>): void {
  describe(`store contract: ${label}`, () => {
    let store: Store | undefined;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store?.close());

    const current: OpenStore = () => {
      if (store === undefined) throw new Error("the store was not opened");
      return store;
    };
    describe("records", () => describeRecords(current));
    describe("records in bulk", () => describeRecordBulk(current));
    describe("patches of records", () => describeRecordPatch(current));
    describe("conflicts of records", () => describeRecordConflicts(current));
    describe("filtered lists of records", () => describeRecordList(current));
    describe("typed records", () => describeTypedRecords(current));
    describe("search in records", () => describeRecordSearch(current));
    describe("events", () => describeEvents(current));
    describe("event feed", () => describeEventFeed(current));
    describe("kv", () => describeKv(current));
    describe("kv in bulk", () => describeKvBulk(current));
    describe("kv conditions", () => describeKvConditional(current));
    describe("text", () => describeText(current));
    describe("transaction", () => describeTransaction(current));
    describe("idempotency keys", () => describeIdempotency(current));
    describe("sql", () => describeSql(current));
  });
}

/** The error that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("expected a failure");
    },
    (error: unknown) => error,
  );
}
