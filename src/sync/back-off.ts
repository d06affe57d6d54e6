/** The longest wait between two attempts, but for one that the remote asks for. */
export const MAX_BACK_OFF_MS = 60_000;

const FIRST_BACK_OFF_MS = 1_000;

/**
 * How long to wait after a number of failures in a row: a random part of 1, 2, 4 … seconds, at most a minute ("full jitter").
 * What the remote has asked for is waited for in any case.
 *
 * @param failures from 1
 * @param random from 0 to below 1
 */
export function backOffMs(failures: number, random: () => number, retryAfterMs = 0): number {
  const ceiling = Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(failures - 1, 30));
  return retryAfterMs + random() * ceiling;
}
