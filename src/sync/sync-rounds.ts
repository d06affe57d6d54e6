import { PersistError } from "../errors.ts";
import type { SyncReport } from "../stores/sync-event.ts";
import { type Budget, budgetOf } from "./budget.ts";
import { stallWatch } from "./stall-watch.ts";
import { syncCycle } from "./sync-cycle.ts";
import type { SyncSession } from "./sync-round.ts";
import { type KnownHere, toStatus } from "./sync-status.ts";

export interface SyncRoundsOptions {
  readonly nowMs: () => number;
  readonly stalledAfterMs: number;
  /** The database, or the remote, was closed: there is no more use in going on. */
  readonly closed: () => void;
}

/** The rounds of a sync, one after the other, and what is remembered of them. */
export interface SyncRounds {
  run(): Promise<SyncReport>;
  known(): Pick<KnownHere, "lastError" | "lastSyncedAtMs">;
  /** Ends the present one at its next step. */
  end(): void;
  /** Gives up the present step too, and all that come. */
  abort(): void;
}

export function syncRounds(session: SyncSession, { nowMs, stalledAfterMs, closed }: SyncRoundsOptions): SyncRounds {
  const { timeoutMs } = session.settings;
  const abort = new AbortController();
  const stalls = stallWatch(stalledAfterMs, nowMs);
  let budget: Budget | undefined;
  let lastError: unknown;
  let lastSyncedAtMs: number | undefined;

  /** Reports on its own: what it cannot find out must not change how the round has ended. */
  async function tellOfStall(head: string | undefined): Promise<void> {
    const row = await session.device.status({ timeoutMs, signal: abort.signal }).catch(() => undefined);
    const status = toStatus(row, { state: "idle", lastError, lastSyncedAtMs, nowMs: nowMs() });
    const stall = stalls.look(status, head);
    if (stall) session.tell({ type: "sync:stalled", ...stall });
  }

  return {
    async run() {
      budget = budgetOf({ timeoutMs, signal: abort.signal });
      let head: string | undefined;
      const heard = (seen: string) => {
        head = seen;
      };
      try {
        const report = await syncCycle(session, budget, heard);
        lastError = undefined;
        if (report.done) lastSyncedAtMs = nowMs();
        else await tellOfStall(head);
        return report;
      } catch (error) {
        lastError = error;
        if (error instanceof PersistError && error.code === "closed") closed();
        else await tellOfStall(head);
        throw error;
      }
    },
    known: () => ({ lastError, lastSyncedAtMs }),
    end: () => budget?.end(),
    abort: () => abort.abort(),
  };
}
