import { afterAll, beforeAll, describe } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { describeEvents } from "./store-events.ts";
import { describeKv } from "./store-kv.ts";
import { describeRecords } from "./store-records.ts";
import { describeText } from "./store-text.ts";

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
    describe("events", () => describeEvents(current));
    describe("kv", () => describeKv(current));
    describe("text", () => describeText(current));
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
