import type { BatchOptions, CallOptions, Driver, Row, Statement } from "../driver.ts";
import { type ErrorCode, type Outcome, PersistError } from "../errors.ts";
import { timeoutOf } from "./call.ts";
import { sleep as sleepForReal } from "./sleep.ts";
import { withOutcome } from "./with-outcome.ts";

/** How often, and how long in between. */
export interface RetryPolicy {
  /** In all, the first included. 1 means no retry. */
  readonly attempts: number;
  /** The longest wait before the second attempt, in milliseconds; it doubles with each attempt. */
  readonly baseMs: number;
  /** No wait is longer, in milliseconds, but one that the server asked for. */
  readonly maxMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 4, baseMs: 50, maxMs: 2_000 };

/** An attempt that failed and is followed by another. */
export interface FailedAttempt {
  /** As the caller named it. Never the statement. */
  readonly operation: string;
  /** Which one failed, from 1. */
  readonly attempt: number;
  /** How long until the next, in milliseconds. */
  readonly waitMs: number;
  readonly code: ErrorCode;
  readonly outcome: Outcome;
}

export interface RetryOptions extends Partial<RetryPolicy> {
  /** Called before each wait. Must not throw. */
  readonly onRetry?: ((attempt: FailedAttempt) => void) | undefined;
  /** From 0 up to, not including, 1. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds from any moment on. */
  readonly now?: (() => number) | undefined;
  /** Waits, and no longer once the signal aborts. */
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

/** What a caller tells {@link withRetry} of a call. Drivers do not look at it. */
export interface RetryCallOptions extends CallOptions {
  /** Being applied twice is the same as once: a read, or a write that carries a key. Default false. */
  readonly idempotent?: boolean | undefined;
  /** For events: `records.put`. */
  readonly operation?: string | undefined;
}

export interface RetryBatchOptions extends BatchOptions, RetryCallOptions {}

/** A driver that can be told whether a call may be repeated. */
export interface RetryingDriver extends Driver {
  query(statement: Statement, options?: RetryCallOptions): Promise<Row[]>;
  /** A read-only batch is idempotent without being called so. */
  batch(statements: readonly Statement[], options?: RetryBatchOptions): Promise<Row[][]>;
}

/**
 * A driver that sends a call again when that may help and can do no harm. Exponential back-off with full jitter, on top of what
 * the server asked for.
 *
 * | the attempt failed | again |
 * |---|---|
 * | `retryable`, outcome `not-sent`, `rejected` or `rolled-back` | yes |
 * | `retryable`, outcome `unknown` | only an idempotent call |
 * | not `retryable`; given up, out of time, cancelled on the server, closed | no |
 *
 * One deadline (`timeoutMs`, or that of the driver) covers all attempts and waits: a wait that would go beyond it is not begun. The
 * error is that of the last attempt; its outcome is `unknown` when that of any attempt was.
 *
 * Belongs outside of `withMigrations`, whose own second sending is a part of one attempt.
 *
 * @example
 * ```ts
 * const driver = withRetry(neonHttp(env.DATABASE_URL), { attempts: 6 });
 * await driver.query({ text: "select 1 as one", params: [] }, { idempotent: true, timeoutMs: 5_000 });
 * ```
 */
export function withRetry(driver: Driver, options: RetryOptions = {}): RetryingDriver {
  return {
    name: driver.name,
    timeoutMs: driver.timeoutMs,
    query: (statement, { idempotent = false, operation = "query", ...given } = {}) =>
      repeated({ ...options, operation, idempotent, driver }, given, (bound) => driver.query(statement, bound)),
    batch: (statements, { idempotent, operation = "batch", ...given } = {}) => {
      const call = { ...options, operation, idempotent: idempotent ?? given.readOnly ?? false, driver };
      return repeated(call, given, (bound) => driver.batch(statements, { ...given, ...bound }));
    },
    close: () => driver.close(),
  };
}

export interface RepeatedCall extends RetryOptions {
  readonly operation: string;
  readonly idempotent: boolean;
  /** Whose deadline is that of a call that names none. */
  readonly driver?: Driver | undefined;
}

/** The same for anything that takes a signal and a deadline. */
export async function repeated<T>(
  call: RepeatedCall,
  given: CallOptions,
  send: (options: CallOptions) => Promise<T>,
): Promise<T> {
  const {
    attempts,
    baseMs,
    maxMs,
    random = Math.random,
    sleep = sleepForReal,
  } = { ...DEFAULT_RETRY, ...defined(call) };
  const now = call.now ?? (() => performance.now());
  const deadline = now() + timeoutOf(given, call.driver);
  let bound = given;
  let isUnknown = false;

  for (let attempt = 1; ; attempt++) {
    try {
      return await send(bound);
    } catch (error) {
      if (!(error instanceof PersistError)) throw error;
      isUnknown ||= error.outcome === "unknown";
      const waitMs = (error.retryAfterMs ?? 0) + random() * Math.min(maxMs, baseMs * 2 ** (attempt - 1));
      if (attempt >= attempts || !mayRepeat(error, call.idempotent) || now() + waitMs >= deadline) {
        throw isUnknown ? withOutcome(error, "unknown") : error;
      }
      const { code, outcome } = error;
      call.onRetry?.({ operation: call.operation, attempt, waitMs, code, outcome });
      await sleep(waitMs, given.signal);
      if (given.signal?.aborted) throw givenUp(call.operation, isUnknown ? "unknown" : outcome, given.signal);
      bound = { ...given, timeoutMs: Math.max(1, deadline - now()) };
    }
  }
}

/** A timeout is the end of the deadline, or of the driver's own: there is no time left. */
function mayRepeat({ code, sqlstate, outcome, retryable }: PersistError, isIdempotent: boolean): boolean {
  if (!retryable || code === "timeout" || code === "aborted" || sqlstate === QUERY_CANCELED) return false;
  return outcome !== "unknown" || isIdempotent;
}

/** The server's own timeout for a statement, or somebody who wants it to end: the same again would be no better. */
const QUERY_CANCELED = "57014";

function givenUp(operation: string, outcome: Outcome, signal: AbortSignal): PersistError {
  const hint = outcome === "unknown" ? "an attempt may have been applied" : "nothing was applied";
  const message = `${operation}: given up by the caller between two attempts; ${hint}`;
  return new PersistError("aborted", message, { outcome, cause: signal.reason });
}

/** Without members that are undefined, which would hide the defaults. */
function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
