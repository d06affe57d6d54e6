import { describe, expect, inject, it } from "vitest";
import { bugs, spoiled } from "./bugs.ts";
import { faultTally } from "./faults.ts";
import { pgliteGround } from "./ground.ts";
import { pgbouncerGround } from "./pgbouncer-ground.ts";
import { DEFAULT_STEPS, runSchedules } from "./run-schedules.ts";
import { ScheduleFailure } from "./schedule.ts";

const SCHEDULES = 400;

describe("the simulator finds", () => {
  it.each(bugs)(
    "$name",
    async (bug) => {
      const ground = await (bug.ground === "pglite" ? pgliteGround() : pgbouncerGround(inject("servers").postgres));
      try {
        const options = { seed: bug.seed ?? 1, schedules: SCHEDULES, steps: DEFAULT_STEPS, tally: faultTally() };
        const failure: unknown = await runSchedules(await spoiled(ground, bug), options).catch(
          (error: unknown) => error,
        );
        expect(failure).toBeInstanceOf(ScheduleFailure);
        expect(failure).toHaveProperty("account", expect.stringContaining("sync_push_v2"));
      } finally {
        await ground.close();
      }
    },
    300_000,
  );
});
