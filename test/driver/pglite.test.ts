import { PGlite } from "@electric-sql/pglite";
import { afterAll } from "vitest";
import { pglite } from "../../src/driver/pglite.ts";
import { describeDriver } from "../contract/driver.ts";

const database = new PGlite();
afterAll(() => database.close());

describeDriver("pglite · in-process", () => pglite(database), {
  cannotInterrupt: "in-process: a running statement holds the thread, so nothing can end it",
});
