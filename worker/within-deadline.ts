import type { CallOptions, Driver } from "onetrip";

/**
 * The same driver, no call of which outlasts the invocation: what would be cut off by the platform without a word fails with
 * a typed error shortly before.
 *
 * @param remainingMs time until the platform ends the invocation
 */
export function withinDeadline(driver: Driver, remainingMs: () => number): Driver {
  function bounded<Options extends CallOptions>(options: Options | undefined) {
    const timeoutMs = Math.min(options?.timeoutMs ?? DEFAULT_MS, remainingMs() - FOR_THE_ANSWER_MS);
    return { ...options, timeoutMs: Math.max(1, timeoutMs) };
  }

  return {
    ...driver,
    query: (statement, options) => driver.query(statement, bounded(options)),
    batch: (statements, options) => driver.batch(statements, bounded(options)),
  };
}

const DEFAULT_MS = 30_000;
const FOR_THE_ANSWER_MS = 200;
