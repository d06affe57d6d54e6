import { PersistError } from "../errors.ts";
import type { SyncReport } from "../stores/sync-event.ts";
import type { Budget } from "./budget.ts";
import { lanesOf } from "./cursor-place.ts";
import { pullChanges } from "./pull-changes.ts";
import { pushWaiting } from "./push-waiting.ts";
import { resolveMeetings } from "./resolve-meetings.ts";
import { newRound, type SyncRound, type SyncSession } from "./sync-round.ts";

/** What a decision makes necessary can meet a change again, where others write without a pause. The next cycle goes on. */
const MAX_TURNS = 10;

/**
 * Brings both sides in step: pushes until nothing waits, pulls until there is nothing more, decides what has met, and sends
 * what was decided. Where the budget ends, everything is as a next cycle needs it; so it is after an error.
 *
 * @param heard is told where the remote's feed stood, also when the cycle fails later
 */
export async function syncCycle(
  session: SyncSession,
  budget: Budget,
  heard?: (head: string) => void,
): Promise<SyncReport> {
  const round = newRound(session, budget);
  session.tell({ type: "sync:start" });
  try {
    await open(round);
    round.tally.done = await takeTurns(round);
  } catch (error) {
    if (!(budget.isSpent() && isOutOfTime(error))) {
      session.tell({ type: "sync:error", error });
      throw error;
    }
  } finally {
    if (round.tally.head !== undefined) heard?.(round.tally.head);
  }
  const report = { ...round.tally };
  session.tell({ type: "sync:complete", report });
  return report;
}

async function open(round: SyncRound): Promise<void> {
  const { cursor, resync, awaits, isAhead } = await round.device.open(round.newClient(), round.budget.step());
  round.cursor = cursor;
  round.isAwaiting = awaits;
  round.isResyncing = resync !== null;
  const isSender = round.settings.direction === "push";
  if (isSender || isAhead) await lookAtHead(round, isSender);
}

/**
 * Who only sends learns from no page that the remote was restored, and builds on what it has no more. And a clock that was wrong may
 * have been set right.
 */
async function lookAtHead(round: SyncRound, isSender: boolean): Promise<void> {
  const { replica, device, budget, tally } = round;
  const { head, epoch, serverTime } = await replica.head(budget.step());
  const lanes = lanesOf(head);
  const look = {
    epoch,
    head: lanes === undefined ? null : JSON.stringify(lanes),
    serverTime,
    isSender,
    client: round.newClient(),
  };
  if (!(await device.look(look, budget.keep()))) return;
  tally.resyncs += 1;
  round.tell({ type: "sync:resync", why: "epoch" });
}

async function takeTurns(round: SyncRound): Promise<boolean> {
  const { budget, settings } = round;
  const isSending = settings.direction !== "pull";
  const isReceiving = settings.direction !== "push";
  // A push without a cursor says nothing of the history that it builds on, and a cursor from before it says as little: a remote that
  // was replaced could not tell.
  if (isSending && isReceiving && (round.cursor === null || round.isAwaiting)) await pullChanges(round);
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    round.hasToResend = false;
    const pushed = isSending ? await pushWaiting(round).catch(later) : "idle";
    if (pushed === "behind" && !isReceiving) throw mustReceive();
    const isAtEnd = isReceiving ? await pullChanges(round) : true;
    const { toSend } = budget.isSpent() ? { toSend: 0 } : await resolveMeetings(round);
    if (typeof pushed === "object") throw pushed.error;
    if (budget.isSpent() || pushed === "busy" || pushed === "refused" || pushed === "spent" || !isAtEnd) return false;
    const isWaiting = toSend > 0 || round.hasToResend;
    if (pushed === "idle" && !(isSending && isWaiting)) return true;
  }
  return false;
}

function mustReceive(): PersistError {
  const message = "sync: everything has to be pulled again before edits can be sent; run it once in both directions";
  return new PersistError("resync", message, { outcome: "not-sent" });
}

/** An edit that the remote cannot take does not keep its changes from coming in. Where the way there is cut, nothing can. */
function later(error: unknown): { readonly error: unknown } {
  if (error instanceof PersistError && !cutOff.has(error.code)) return { error };
  throw error;
}

const cutOff: ReadonlySet<string> = new Set(["connection", "timeout", "aborted", "closed"]);

function isOutOfTime(error: unknown): boolean {
  return error instanceof PersistError && (error.code === "timeout" || error.code === "aborted");
}
