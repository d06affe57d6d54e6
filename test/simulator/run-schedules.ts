import type { FaultTally } from "./faults.ts";
import type { Ground } from "./ground.ts";
import { schedule } from "./schedule.ts";

export interface RunOptions {
  /** The first schedule's; those of the others follow. */
  readonly seed: number;
  readonly schedules: number;
  readonly steps: number;
  readonly tally: FaultTally;
  /** Called with how many are done. */
  readonly progress?: ((done: number) => void) | undefined;
}

export const DEFAULT_STEPS = 25;

/** So many schedules, and then the place of what was deleted is taken back. */
const TIDY_EVERY = 60;

/**
 * Runs schedules on one ground, several at a time where there are connections for them: servers are hurt while they take their
 * steps, and left alone while they come to rest.
 *
 * @throws ScheduleFailure of the first schedule that fails
 */
export async function runSchedules(ground: Ground, options: RunOptions): Promise<void> {
  const { seed, schedules, steps, tally, progress } = options;
  for (let done = 0; done < schedules; ) {
    const count = Math.min(ground.jobs, schedules - done);
    const batch = Array.from({ length: count }, (_, index) =>
      schedule({ seed: seed + done + index, steps, ground, tally }),
    );
    await ground.hurting(tally, () => all(batch.map((each) => each.run())));
    await all(batch.map((each) => each.check()));
    done += count;
    if (Math.floor(done / TIDY_EVERY) > Math.floor((done - count) / TIDY_EVERY)) await ground.tidy();
    progress?.(done);
  }
}

/** As `Promise.all`, but nothing is going on any more when it rejects. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}
