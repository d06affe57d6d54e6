import { afterAll, describe } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { storeReplica } from "../../src/sync/store-replica.ts";
import { describeRxdbSuite } from "./rxdb-suite.ts";

const driver = pglite();
afterAll(() => driver.close());

describe("RxDB's suite for replications, against a store", async () => {
  await describeRxdbSuite(() => ({
    remote: (store) => storeReplica({ driver, store, principal: "tests" }),
    open: (store) => createStore(store, { driver }),
  }));
});
