import type { SyncEvent, SyncReport } from "../stores/sync-event.ts";
import type { Budget } from "./budget.ts";
import type { Lanes } from "./cursor-place.ts";
import type { SyncDevice } from "./device.ts";
import type { Cursor, Replica } from "./replica.ts";
import type { SyncSettings } from "./sync-options.ts";

/** What the rounds of one sync share. */
export interface SyncSession {
  readonly device: SyncDevice;
  readonly replica: Replica;
  readonly settings: SyncSettings;
  /** Who sends, for the lease on what is in flight. */
  readonly owner: string;
  /** The largest value of the store, in bytes of JSON. */
  readonly maxValueBytes: number | undefined;
  readonly newClient: () => string;
  readonly tell: (event: Untold<SyncEvent>) => void;
  /** Tells that a record was changed on both sides. */
  readonly tellConflict: (key: string, currentVersion: number) => void;
}

type Untold<Event> = Event extends SyncEvent ? Omit<Event, "store" | "remote"> : never;

/** One round on its way. */
export interface SyncRound extends SyncSession {
  readonly budget: Budget;
  readonly tally: Tally;
  /** Where the next page begins. */
  cursor: Cursor | null;
  /** Everything is being pulled again, and what the last page brings ends it. */
  isResyncing: boolean;
  /** Something was sent and taken that has not been pulled yet. */
  isAwaiting: boolean;
  /** Where that stands in the remote's feed, after everything was pulled. */
  awaited: Lanes | null;
  /** What was pulled has shown that something has to be sent again. */
  hasToResend: boolean;
  /** How many mutations to send at once: fewer, after the remote found a batch too large. */
  batchSize: number;
  renames: number;
}

type Tally = { -readonly [Name in keyof SyncReport]: SyncReport[Name] };

export function newRound(session: SyncSession, budget: Budget): SyncRound {
  return {
    ...session,
    budget,
    tally: { pushed: 0, pulled: 0, written: 0, conflicts: 0, rejected: 0, resyncs: 0, done: false },
    cursor: null,
    isResyncing: false,
    isAwaiting: false,
    awaited: null,
    hasToResend: false,
    batchSize: session.settings.limits.maxMutations,
    renames: 0,
  };
}
