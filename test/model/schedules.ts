import fc from "fast-check";
import type { Store } from "../../src/create-store.ts";
import { type Call, emptyModel, toCommand } from "./call.ts";
import { eventCalls } from "./event-calls.ts";
import { eventFeedCalls } from "./event-feed-calls.ts";
import { kvBulkCalls } from "./kv-bulk-calls.ts";
import { kvCalls } from "./kv-calls.ts";
import { kvConditionalCalls } from "./kv-conditional-calls.ts";
import { recordBulkCalls } from "./record-bulk-calls.ts";
import { recordCalls } from "./record-calls.ts";
import { transactionCalls } from "./transaction-calls.ts";

export interface ScheduleOptions {
  readonly schedules: number;
  readonly seed: number;
  /** Together with the seed: this one schedule, as a failed run named it. */
  readonly path?: string | undefined;
  /** Together with seed and path: no more than those of its calls that failed. */
  readonly replayPath?: string | undefined;
}

/**
 * Runs lists of calls against stores and against the model side by side: one list is one schedule, on a store of its own.
 *
 * @param open gives the store of that name, which nobody has written to
 * @throws Error with the shortest list of calls after which store and model differ, and how to run it again
 */
export async function runSchedules(open: (name: string) => Promise<Store>, options: ScheduleOptions): Promise<void> {
  const { schedules, seed, path, replayPath } = options;
  const run = crypto.randomUUID();
  let count = 0;
  const property = fc.asyncProperty(anySchedule(replayPath), async (commands) => {
    count += 1;
    const store = await open(`${run}/${count}`);
    await fc.asyncModelRun(() => ({ model: emptyModel(), real: store }), commands);
  });
  const result = await fc.check(property, { numRuns: schedules, seed, ...(path !== undefined && { path }) });
  if (!result.failed) return;

  const [commands] = result.counterexample ?? [[]];
  const calls = [...commands].filter(hasRun).map((command) => `  ${command}`);
  const replay = /replayPath="([^"]*)"/.exec(String(commands))?.[1];
  const flags = `--seed ${result.seed} --path ${result.counterexamplePath}${replay ? ` --replay ${replay}` : ""}`;
  throw new Error(
    `store and model differ (schedule ${result.numRuns}, shrunk ${result.numShrinks} times):\n${calls.join("\n")}\n${flags}`,
    { cause: result.errorInstance },
  );
}

/** The calls behind the one that failed are still in the list. */
function hasRun(command: object): boolean {
  return "hasRan" in command && command.hasRan === true;
}

/** A seed that was hardly used before. Never below 0: a command line takes `-1` for another flag. */
export function newSeed(): number {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return random >>> 1;
}

/** Half of the schedules stay within one part of the store, where more calls meet. */
function anySchedule(replayPath: string | undefined) {
  const records = [...recordCalls, ...recordBulkCalls];
  const events = [...eventCalls, ...eventFeedCalls];
  const kv = [...kvCalls, ...kvBulkCalls, ...kvConditionalCalls];
  const parts = [[...records, ...events, ...kv, ...transactionCalls], records, events, kv];
  const [whole, ...single] = parts.map((calls) => anyCommands(calls, replayPath));
  if (whole === undefined) throw new Error("no calls");
  return fc.oneof({ weight: 3, arbitrary: whole }, ...single.map((arbitrary) => ({ weight: 1, arbitrary })));
}

function anyCommands(calls: readonly fc.Arbitrary<Call>[], replayPath: string | undefined) {
  const settings = { maxCommands: 32, size: "max" as const, ...(replayPath !== undefined && { replayPath }) };
  return fc.commands(
    calls.map((call) => call.map(toCommand)),
    settings,
  );
}
