import type { Random } from "./random.ts";

/** Requests that nobody waits for any more and that arrive all the same. What becomes of them nobody hears. */
export interface HeldRequests {
  /** Arrives with `deliver`. */
  hold(send: () => Promise<void>): void;
  /** Arrives after the next request that got through. */
  overtake(send: () => Promise<void>): void;
  deliverOvertaken(): Promise<void>;
  /** All of them, in any order. */
  deliver(): Promise<void>;
}

export function heldRequests(random: Random): HeldRequests {
  const late: (() => Promise<void>)[] = [];
  const overtaken: (() => Promise<void>)[] = [];

  async function empty(list: (() => Promise<void>)[]): Promise<void> {
    while (list.length > 0) {
      const [send] = list.splice(random.int(list.length), 1);
      await send?.().catch(() => undefined);
    }
  }

  return {
    hold: (send) => void late.push(send),
    overtake: (send) => void overtaken.push(send),
    deliverOvertaken: () => empty(overtaken),
    async deliver() {
      await empty(overtaken);
      await empty(late);
    },
  };
}

/** A cursor with one character changed, cut off, or none of its own at all. */
export function corrupted(cursor: string, random: Random): string {
  const place = random.int(cursor.length);
  return random.pick([
    () => cursor.slice(0, place),
    () => `${cursor.slice(0, place)}~${cursor.slice(place + 1)}`,
    () => "AAAA",
    () => cursor.split("").reverse().join(""),
  ])();
}
