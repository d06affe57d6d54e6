import type { Random } from "./random.ts";

/** Puts what several clients do at the same time in an order: a random one, and the same for the same seed. */
export interface Turns {
  /** Runs when nobody else does. Who waits is taken by chance. */
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function seededTurns(random: Random): Turns {
  const waiting: (() => void)[] = [];
  let isTaken = false;

  /** Some turns of the event loop later, so that everybody who is about to ask has asked: a stream takes several. */
  function next(loops = LOOPS): void {
    setImmediate(() => {
      if (loops > 1) {
        next(loops - 1);
        return;
      }
      const place = waiting.length > 1 ? random.int(waiting.length) : 0;
      const [chosen] = waiting.splice(place, 1);
      if (chosen === undefined) isTaken = false;
      else chosen();
    });
  }

  return {
    async take(work) {
      const turn = new Promise<void>((resolve) => waiting.push(resolve));
      if (!isTaken) {
        isTaken = true;
        next();
      }
      await turn;
      try {
        return await work();
      } finally {
        next();
      }
    },
  };
}

const LOOPS = 3;

/** Everybody at once, as the database lets them. */
export const freeTurns: Turns = { take: (work) => work() };
