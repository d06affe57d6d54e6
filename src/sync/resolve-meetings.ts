import type { SyncConflictEvent } from "../stores/sync-event.ts";
import type { Meeting } from "./device.ts";
import { type Decision, decide } from "./strategy.ts";
import type { SyncRound } from "./sync-round.ts";

const PAGE = 200;

/** Where rows change faster than they are decided, the next turn goes on. */
const MAX_SKIPPED = 5;

/** Decides every edit that has met a change of the remote. `toSend` counts what is to be sent for it. */
export async function resolveMeetings(round: SyncRound): Promise<{ readonly toSend: number }> {
  const { device, budget, settings, maxValueBytes } = round;
  const { strategy, merge } = settings;
  let toSend = 0;
  let skipped = 0;
  while (!budget.isSpent() && skipped < MAX_SKIPPED) {
    const meetings = await device.unresolved(PAGE, budget.step());
    if (meetings.length === 0) break;
    const decided = meetings.map((meeting) => ({
      meeting,
      decision: decide(meeting, { strategy, merge, maxValueBytes }),
    }));
    for (const [reason, group] of byReason(decided)) {
      const result = await store(round, reason, group);
      toSend += group.filter(({ decision }) => decision.choice === "local" || decision.choice === "value").length;
      if (result.skipped > 0) skipped += 1;
    }
    if (meetings.length < PAGE && skipped === 0) break;
  }
  return { toSend };
}

interface Decided {
  readonly meeting: Meeting;
  readonly decision: Decision;
}

/** The reason is one for all that travel together. */
function byReason(decided: readonly Decided[]): ReadonlyMap<string | null, readonly Decided[]> {
  return Map.groupBy(decided, ({ decision }) => ("reason" in decision ? (decision.reason ?? null) : null));
}

async function store(round: SyncRound, reason: string | null, group: readonly Decided[]) {
  const { device, budget, settings, tally } = round;
  const decisions = JSON.stringify(group.map(toWire));
  const result = await device.resolve({ decisions, keepValue: settings.strategy === "merge", reason }, budget.keep());
  tally.conflicts += result.resolved;
  if (result.resolved > 0) for (const decided of group) tell(round, decided);
  return result;
}

function toWire({ meeting, decision }: Decided): readonly unknown[] {
  const { kind, key, localVersion, theirs } = meeting;
  const wire = [kind, key, localVersion, theirs.version, decision.choice];
  return decision.choice === "value" && decision.value !== undefined ? [...wire, decision.value] : wire;
}

function tell(round: SyncRound, { meeting, decision }: Decided): void {
  const { kind, key, theirs } = meeting;
  const error = decision.choice === "manual" && decision.error !== undefined ? { error: decision.error } : {};
  round.tell({ type: "sync:conflict", kind, key, winner: winnerOf(decision), ...error });
  if (kind === "record") round.tellConflict(key, theirs.deleted ? 0 : theirs.version);
  if (decision.choice === "remote" && decision.reason !== undefined) {
    round.tell({ type: "sync:dead-letter", kind, key, reason: decision.reason });
  }
}

function winnerOf({ choice }: Decision): SyncConflictEvent["winner"] {
  return choice === "value" ? "merged" : choice;
}
