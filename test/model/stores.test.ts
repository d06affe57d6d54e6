import { afterAll, beforeAll, describe, it } from "vitest";
import { createStore } from "../../src/create-store.ts";
import type { Driver } from "../../src/driver.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { newSeed, runSchedules } from "./schedules.ts";
import { ways } from "./ways.ts";

describe("a store does what its model does", () => {
  const database = withNewDatabase();

  for (const { name, share, open } of ways) {
    describe(name, () => {
      let driver: Driver | undefined;
      beforeAll(() => {
        driver = open(database());
      });
      afterAll(() => driver?.close());

      it(`in ${share} schedules`, { timeout: 120_000 }, async () => {
        const opened = driver;
        if (opened === undefined) throw new Error("the driver was not opened");
        const seed = newSeed();
        console.info(`${name}: seed ${seed}; npm run proof -- model --driver "${name}" --seed ${seed}`);
        await runSchedules((store) => createStore(store, { driver: opened }), { schedules: share, seed });
      });
    });
  }
});
