import { PersistError } from "../errors.ts";
import { backOffMs } from "./back-off.ts";
import type { SyncState } from "./sync-status.ts";

export interface ScheduleOptions<Report> {
  /** One round. Only one is on its way at a time. */
  readonly run: () => Promise<Report>;
  /** Whether a round left something to do. */
  readonly isUnfinished: (report: Report) => boolean;
  readonly intervalMs: number;
  /** How long to gather edits before they are sent. */
  readonly debounceMs: number;
  readonly random: () => number;
}

/** When rounds take place: by the clock, after edits, when the network is back, and when somebody asks. */
export interface Schedule<Report> {
  /** Runs a round that begins from now on. Those who ask while one is on its way share the next. */
  now(): Promise<Report>;
  /** There is something to send. Never sooner than a back-off allows. */
  soon(): void;
  /** A round is worth a try, whatever was before. */
  wake(): void;
  offline(): void;
  pause(): void;
  resume(): void;
  /** No round begins any more. Resolves when the last one has ended. */
  stop(): Promise<void>;
  state(): SyncState;
}

/** How soon to go on where a round left something to do, somebody else's lease for one. */
const UNFINISHED_MS = 1000;

export function schedule<Report>(options: ScheduleOptions<Report>): Schedule<Report> {
  const { run, isUnfinished, intervalMs, debounceMs, random } = options;
  let hold: "paused" | "offline" | "stopped" | undefined;
  let failures = 0;
  let running: Promise<Report> | undefined;
  let queued: Promise<Report> | undefined;
  let isDirty = false;
  let planned: { readonly timer: ReturnType<typeof setTimeout>; readonly at: number } | undefined;

  function cancel() {
    clearTimeout(planned?.timer);
    planned = undefined;
  }

  /** The earlier of two plans stays. */
  function plan(delayMs: number) {
    if (hold !== undefined || running !== undefined) return;
    const at = performance.now() + delayMs;
    if (planned !== undefined && planned.at <= at) return;
    cancel();
    const timer = setTimeout(() => begin().catch(() => undefined), delayMs);
    planned = { timer, at };
    keepsNobodyAlive(timer);
  }

  function begin(): Promise<Report> {
    cancel();
    isDirty = false;
    const round = run();
    running = round;
    round.then(
      (report) => {
        failures = 0;
        ended(isDirty ? debounceMs : isUnfinished(report) ? Math.min(UNFINISHED_MS, intervalMs) : intervalMs);
      },
      (error: unknown) => {
        failures += 1;
        ended(backOffMs(failures, random, error instanceof PersistError ? error.retryAfterMs : undefined));
      },
    );
    return round;
  }

  function ended(nextMs: number) {
    running = undefined;
    plan(nextMs);
  }

  function afterThis(round: Promise<Report>): Promise<Report> {
    const next = () => {
      queued = undefined;
      return hold === "stopped" ? Promise.reject(stopped()) : begin();
    };
    return round.then(next, next);
  }

  return {
    now() {
      if (hold === "stopped") return Promise.reject(stopped());
      if (running === undefined) return begin();
      queued ??= afterThis(running);
      return queued;
    },
    soon() {
      isDirty = true;
      if (failures === 0) plan(debounceMs);
    },
    wake() {
      if (hold === "offline") hold = undefined;
      failures = 0;
      isDirty = true;
      plan(0);
    },
    offline() {
      hold ??= "offline";
      cancel();
    },
    pause() {
      if (hold !== "stopped") hold = "paused";
      cancel();
    },
    resume() {
      if (hold !== "paused") return;
      hold = undefined;
      plan(0);
    },
    async stop() {
      hold = "stopped";
      cancel();
      await running?.catch(() => undefined);
    },
    state() {
      if (hold === "stopped") return hold;
      if (running !== undefined) return "syncing";
      return hold ?? (failures > 0 ? "backing-off" : "idle");
    },
  };
}

function stopped(): PersistError {
  return new PersistError("closed", "sync: it was stopped; enable it again", { outcome: "not-sent" });
}

/** A process that has nothing else to do may end, where the runtime knows of that. */
function keepsNobodyAlive(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function")
    timer.unref();
}
