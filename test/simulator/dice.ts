import type { Fault, FaultTally } from "./faults.ts";
import type { Random } from "./random.ts";

/** Decides when something goes wrong, in one schedule. */
export interface Dice {
  readonly random: Random;
  /** One of the faults with this probability, none while it is calm. Not counted before it has happened: see `happened`. */
  roll<F extends Fault>(probability: number, faults: readonly F[]): F | undefined;
  /** Counts a fault and writes it down among the steps. */
  happened(fault: Fault): void;
  /** From now on nothing goes wrong, or again. */
  calm(isCalm: boolean): void;
  /** What is done while nothing can go wrong. */
  calmly<T>(work: () => Promise<T>): Promise<T>;
}

export function dice(random: Random, tally: FaultTally, note: (text: string) => void): Dice {
  let isCalm = false;
  return {
    random,
    roll(probability, faults) {
      if (isCalm || faults.length === 0 || !random.chance(probability)) return undefined;
      return random.pick(faults);
    },
    happened(fault) {
      tally.count(fault);
      note(`! ${fault}`);
    },
    calm(calm) {
      isCalm = calm;
    },
    async calmly(work) {
      const before = isCalm;
      isCalm = true;
      try {
        return await work();
      } finally {
        isCalm = before;
      }
    },
  };
}
