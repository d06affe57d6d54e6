import type { CallOptions } from "../driver.ts";

/** How long a round may go on. */
export interface Budget {
  /** Nothing new is to begin: the round ends where it is, and the next one goes on from there. */
  isSpent(): boolean;
  /** For a statement or request that begins now. */
  step(): Required<Pick<CallOptions, "timeoutMs">> & CallOptions;
  /** To keep what has come in: given up by nobody, and with a moment's time at least. */
  keep(): CallOptions;
  /** Makes it spent. */
  end(): void;
}

export interface BudgetOptions {
  /** From now on, in milliseconds. Default: no end. */
  readonly budgetMs?: number | undefined;
  /** The most that one step may take. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What it may take to store an answer that arrived at the last moment. */
const KEEP_MS = 1000;

export function budgetOf({ budgetMs = Number.POSITIVE_INFINITY, timeoutMs, signal }: BudgetOptions): Budget {
  const endsAt = performance.now() + budgetMs;
  let isEnded = false;
  const leftMs = () => Math.ceil(Math.min(timeoutMs, endsAt - performance.now()));
  return {
    isSpent: () => isEnded || signal?.aborted === true || leftMs() <= 0,
    step: () => ({ timeoutMs: Math.max(1, leftMs()), signal }),
    keep: () => ({ timeoutMs: Math.max(KEEP_MS, leftMs()) }),
    end() {
      isEnded = true;
    },
  };
}
