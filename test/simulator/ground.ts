import { pglite } from "../../src/driver/pglite.ts";
import type { Driver } from "../../src/driver.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { migrate } from "../../src/migrate/migrate.ts";
import type { FaultTally, Reach } from "./faults.ts";
import { type StoreCopies, storeCopies } from "./store-copies.ts";

/** A database in which schedules run, and how it is reached. */
export interface Ground {
  readonly name: string;
  /** For the schedule of that seed. */
  driver(seed: number): Driver;
  /** For the simulator's own work: nothing goes wrong there. */
  readonly apart: Driver;
  readonly copies: StoreCopies;
  /** One statement after the other, so that a seed's order is always the same. */
  readonly isOrdered: boolean;
  /** Between a device and its database. A bug to be found, when there is one. */
  readonly spoilDevice?: ((driver: Driver) => Driver) | undefined;
  /** Schedules at the same time. */
  readonly jobs: number;
  /** Which faults can happen here. */
  readonly reached: readonly Reach[];
  /** Does the work while servers are being hurt. */
  hurting(tally: FaultTally, work: () => Promise<void>): Promise<void>;
  /** Resolves when nothing of what was sent until now is still at work, though nobody may wait for its answer any more. */
  quiet(): Promise<void>;
  /** A transaction that stays open. Undefined where there is one connection. */
  readonly openTransaction: (() => Promise<OpenTransaction>) | undefined;
  /** Now and then, when nothing runs: what was deleted takes no place any more. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenTransaction {
  run(text: string, params: readonly (string | number | null)[]): Promise<void>;
  end(how: "commit" | "rollback"): Promise<void>;
}

/** Postgres in this process. */
export async function pgliteGround(): Promise<Ground> {
  const driver = pglite();
  await migrate(driver, storeMigrations, { schema: "persist" });
  const copies = await storeCopies(driver);
  return {
    name: "pglite",
    driver: () => driver,
    apart: driver,
    copies,
    isOrdered: true,
    jobs: 1,
    reached: ["any"],
    hurting: (_, work) => work(),
    quiet: async () => undefined,
    openTransaction: undefined,
    async tidy() {
      for (const table of copies.tables) await driver.query({ text: `truncate ${table}`, params: [] });
    },
    close: () => driver.close(),
  };
}
