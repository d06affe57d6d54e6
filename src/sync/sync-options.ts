import { ValidationError } from "../errors.ts";
import { checkKey, checkPrefix } from "../sql/key.ts";
import type { HttpReplicaOptions } from "./http-replica.ts";
import { DEFAULT_SYNC_LIMITS, type SyncLimits } from "./limits.ts";
import type { Merge, Strategy } from "./strategy.ts";

/** What a sync is to do. The same for {@link enableSync} and {@link syncOnce}. */
export interface SyncOptions {
  /**
   * What the remote is called in this store's database, where the state of the sync is kept under it. Default: the URL without
   * what follows a `?`, without user and password; for a store `store:` and its name. A bare replica needs one.
   */
  readonly name?: string | undefined;
  /** Who wins when a record was changed on both sides. Default: the remote. */
  readonly strategy?: Strategy | undefined;
  /** For the strategy `merge`. Without it: RFC 7396. */
  readonly merge?: Merge | undefined;
  /** For a URL: sent as bearer token. A function is asked before each request. */
  readonly authToken?: HttpReplicaOptions["authToken"];
  /**
   * Only keys and streams that begin so, in both directions. Default: all. To change it is to pull
   * everything again; what lies outside then stays as it is.
   */
  readonly scope?: string | undefined;
  /**
   * `pull` sends nothing: edits stay here, and wait. `push` takes nothing in but the remote's state of records that were
   * edited on both sides. Default `both`.
   */
  readonly direction?: Direction | undefined;
  /** For a URL. Default: the `fetch` of the runtime. */
  readonly fetch?: HttpReplicaOptions["fetch"];
  /**
   * How much to send and to ask for at once, no more than the remote takes: `maxChanges`, `maxMutations`, `maxPushBytes`. A lone
   * edit that the remote cannot read and that is larger than `maxValueBytes` becomes a dead letter.
   */
  readonly limits?: Partial<SyncLimits> | undefined;
  /** The deadline of each statement and each request, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

export type Direction = "both" | "pull" | "push";

/** The options, checked and without choices. */
export interface SyncSettings {
  readonly strategy: Strategy | undefined;
  readonly merge: Merge | undefined;
  readonly scope: string;
  readonly direction: Direction;
  readonly limits: SyncLimits;
  readonly timeoutMs: number;
}

/**
 * @param what the call, for the message: `enableSync`
 * @throws ValidationError
 */
export function syncSettings(options: SyncOptions, what: string): SyncSettings {
  const { strategy, merge, scope = "", direction = "both", timeoutMs = 30_000 } = options;
  if (strategy !== undefined && strategy !== "last-write-wins" && strategy !== "merge" && strategy !== "manual") {
    throw new ValidationError(`${what}: strategy is "last-write-wins", "merge" or "manual", or left out`);
  }
  if (merge !== undefined && (typeof merge !== "function" || strategy !== "merge")) {
    throw new ValidationError(`${what}: merge is a function, and goes with strategy: "merge"`);
  }
  if (direction !== "both" && direction !== "pull" && direction !== "push") {
    throw new ValidationError(`${what}: direction is "both", "pull" or "push"`);
  }
  if (options.name !== undefined) checkKey(options.name, `${what}: name`);
  const limits = { ...DEFAULT_SYNC_LIMITS, ...options.limits };
  for (const [name, limit] of Object.entries(limits)) checkMs(limit, `${what}: limits.${name}`);
  return {
    strategy,
    merge,
    scope: checkPrefix(scope, `${what}: scope`),
    direction,
    limits,
    timeoutMs: checkMs(timeoutMs, `${what}: timeoutMs`),
  };
}

/** @throws ValidationError unless it is a whole number from 1 up that a timer takes */
export function checkMs(value: number, what: string): number {
  if (Number.isInteger(value) && value >= 1 && value <= MAX_TIMER_MS) return value;
  throw new ValidationError(`${what} must be a whole number from 1 to ${MAX_TIMER_MS}`);
}

/** Timers take no more. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
