import type { CallOptions, Driver } from "../driver.ts";
import { type Outcome, PersistError, TimeoutError } from "../errors.ts";

/** One call on its way: shared by the deadline that may end it and the driver that carries it out. */
export interface Call {
  /** Aborted when the caller gave up or the deadline passed. Whatever is in flight is to be destroyed then. */
  readonly signal: AbortSignal;
  /** Replaced by the driver before a byte of the statement may leave. Decides between `not-sent` and `unknown`. */
  wasSent: () => boolean;
}

/** Applies when neither the call nor the driver names a deadline. No call may hang for ever. */
export const DEFAULT_TIMEOUT_MS = 30_000;

/** The longest delay of a timer, 24 days: one that is set to more goes off at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** When a call ends that names no deadline, or one: in milliseconds from its beginning. */
export function timeoutOf({ timeoutMs }: { readonly timeoutMs?: number | undefined }, driver?: Driver): number {
  return timeoutMs ?? driver?.timeoutMs ?? DEFAULT_TIMEOUT_MS;
}

/**
 * Runs `work` under one deadline and the caller's signal. When either ends first, the call fails at once, whether or not
 * `work` reacts: a hung socket cannot hold its caller.
 *
 * Throws {@link TimeoutError}, or `PersistError` with code `aborted`; `outcome` is `unknown` once `call.wasSent` says so.
 */
export async function bounded<T>(
  what: string,
  options: CallOptions | undefined,
  defaultTimeoutMs: number,
  work: (call: Call) => Promise<T>,
): Promise<T> {
  const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs;
  const abort = new AbortController();
  const call: Call = { signal: abort.signal, wasSent: () => false };
  const outcome = (): Outcome => (call.wasSent() ? "unknown" : "not-sent");
  if (options?.signal?.aborted) throw aborted(what, "not-sent", options.signal);

  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(
      () => {
        finish(() => reject(timedOut(what, timeoutMs, outcome())));
        abort.abort();
      },
      Math.min(timeoutMs, MAX_TIMER_MS),
    );
    const onAbort = () => {
      finish(() => reject(aborted(what, outcome(), options?.signal)));
      abort.abort();
    };
    function finish(settle: () => void) {
      clearTimeout(timer);
      options?.signal?.removeEventListener("abort", onAbort);
      settle();
    }
    options?.signal?.addEventListener("abort", onAbort, { once: true });
    work(call).then(
      (value) => finish(() => resolve(value)),
      (error) => finish(() => reject(error)),
    );
  });
}

/**
 * Fails at once when the call has been given up; otherwise calls `destroy` if that happens while `work` runs, and waits no longer:
 * a client whose line is dead may never notice that it was destroyed.
 */
export async function untilAborted<T>(call: Call, destroy: () => void, work: () => Promise<T>): Promise<T> {
  if (call.signal.aborted) throw aborted("call", "not-sent", call.signal);
  let onAbort = () => {};
  const ended = new Promise<never>((_, reject) => {
    onAbort = () => {
      destroy();
      reject(aborted("call", call.wasSent() ? "unknown" : "not-sent", call.signal));
    };
  });
  call.signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work(), ended]);
  } finally {
    call.signal.removeEventListener("abort", onAbort);
  }
}

function timedOut(what: string, timeoutMs: number, outcome: Outcome): TimeoutError {
  const hint =
    outcome === "unknown"
      ? "it may have been applied: read before you write again"
      : "nothing was sent: the server could not be reached in time, or every connection was busy";
  return new TimeoutError(`${what}: no answer within ${timeoutMs} ms; ${hint}`, { outcome });
}

function aborted(what: string, outcome: Outcome, signal: AbortSignal | undefined): PersistError {
  const hint = outcome === "unknown" ? "it may have been applied" : "nothing was sent";
  return new PersistError("aborted", `${what}: given up by the caller; ${hint}`, { outcome, cause: signal?.reason });
}
