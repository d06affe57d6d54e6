import { setTimeout as delay } from "node:timers/promises";

/** Waits, but not at all for 0: a timer takes a millisecond even then. */
export async function latency(waitMs: number): Promise<void> {
  if (waitMs > 0) {
    await delay(waitMs);
  }
}
