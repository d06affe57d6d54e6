import { afterAll, beforeAll, describe } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { Driver } from "../../src/driver.ts";
import { withNewDatabase } from "../stores/new-database.ts";

/** Gives a store that nobody has written to. Its connection is shared: it must not be closed. */
export type NewStore = () => Promise<Store>;

/** Runs a suite over an embedded database and over a server. */
export function describeOnStores(suite: (newStore: NewStore) => void): void {
  const database = withNewDatabase();
  const ways: Readonly<Record<string, () => Driver>> = {
    pglite: () => pglite(),
    postgres: () => postgres(database().postgres),
  };
  for (const [name, open] of Object.entries(ways)) {
    describe(`over ${name}`, () => {
      let driver: Driver | undefined;
      beforeAll(() => {
        driver = open();
      });
      afterAll(() => driver?.close());
      suite(() => {
        if (driver === undefined) throw new Error("the driver was not opened");
        return createStore(crypto.randomUUID(), { driver });
      });
    });
  }
}

/** The operations that a piece of work sends: one round trip each. */
export async function operationsOf(store: Store, work: () => Promise<unknown>): Promise<readonly string[]> {
  const operations: string[] = [];
  const off = store.on("query", ({ operation }) => operations.push(operation));
  await work();
  off();
  return operations;
}
