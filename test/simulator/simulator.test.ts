import { describe, expect, inject, it } from "vitest";
import { faultTally, missingFaults } from "./faults.ts";
import { type Ground, pgliteGround } from "./ground.ts";
import { pgbouncerGround } from "./pgbouncer-ground.ts";
import { DEFAULT_STEPS, runSchedules } from "./run-schedules.ts";

/** More of them, and other seeds: `npm run proof -- sync --schedules N --seed S`. */
describe("five devices, a server and a writer beside them come to be equal, lose nothing and do nothing twice", () => {
  it("in 200 schedules over PGlite", () => holds(pgliteGround, 200), 600_000);

  it(
    "in 100 schedules over PostgreSQL through PgBouncer",
    () => holds(() => pgbouncerGround(inject("servers").postgres), 100),
    600_000,
  );
});

async function holds(open: () => Promise<Ground>, schedules: number): Promise<void> {
  const ground = await open();
  const tally = faultTally();
  try {
    await runSchedules(ground, { seed: 1, schedules, steps: DEFAULT_STEPS, tally });
    // Whether a blow from outside meets a statement depends on how fast the machine is: where one never did, some more.
    for (let more = 0; more < 5 * schedules && missingFaults(tally, ground.reached).length > 0; more += 10) {
      await runSchedules(ground, { seed: 1 + schedules + more, schedules: 10, steps: DEFAULT_STEPS, tally });
    }
  } finally {
    await ground.close();
  }
  const missing = missingFaults(tally, ground.reached);
  expect(missing, `these never happened: ${missing.join("; ")}`).toEqual([]);
}
