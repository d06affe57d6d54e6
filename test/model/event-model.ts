import { isDeepStrictEqual } from "node:util";
import { byBytes, holds } from "./alphabet.ts";
import { conflict, type Outcome } from "./outcome.ts";
import type { Expected } from "./record-model.ts";

/** What events do, in the plainest words. */
export interface EventLog {
  /** Every event that there ever was, in the order in which they came. */
  readonly all: LoggedEvent[];
  /** Those that were pruned: their ids are forgotten, their versions are not. */
  readonly pruned: Set<LoggedEvent>;
  /** How far a reader of the whole store has come, in events, and the cursor that it was given. */
  read: number;
  cursor: string | null;
}

export function emptyLog(): EventLog {
  return { all: [], pruned: new Set(), read: 0, cursor: null };
}

/** What has not been pruned. */
export function liveEvents(log: EventLog): LoggedEvent[] {
  return log.all.filter((event) => !log.pruned.has(event));
}

export interface LoggedEvent {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly payload: unknown;
  readonly type?: string;
  readonly metadata?: unknown;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** An event to append; what only the database knows is learned from its answer. */
export interface EventToAppend {
  readonly id: string | undefined;
  readonly payload: unknown;
  readonly type?: string;
  readonly metadata?: unknown;
}

export function headOf(log: EventLog, stream: string): number {
  return log.all.filter((event) => event.stream === stream).length;
}

export function appendEvents(
  log: EventLog,
  stream: string,
  events: readonly EventToAppend[],
  expected: Expected,
  answer: Outcome,
): Outcome {
  const known = events.map(({ id }) => liveEvents(log).find((event) => event.id === id));
  const head = headOf(log, stream);
  const isForeign = (there: LoggedEvent | undefined, index: number) =>
    there !== undefined && !isDeepStrictEqual(contentOf(there), contentOf({ ...events[index], stream }));
  if (known.some(isForeign)) return conflict(head);
  if (known.every((event) => event !== undefined)) return known;
  if (!holds(expected, head)) return conflict(head);

  const answers: readonly Partial<LoggedEvent>[] = Array.isArray(answer) ? answer : [];
  return known.map((there, index) => {
    if (there !== undefined) return there;
    const { id = "", timestamp = 0 } = answers[index] ?? {};
    const { payload = null, id: given = id, ...rest } = events[index] ?? { id };
    const event = { ...rest, id: given, stream, version: headOf(log, stream) + 1, payload, timestamp };
    log.all.push(event);
    return event;
  });
}

export interface StreamPage {
  readonly since?: number;
  readonly after?: number;
  readonly limit?: number;
  readonly direction?: "forward" | "backward";
}

export function listEvents(log: EventLog, stream: string, page: StreamPage): LoggedEvent[] {
  const { since, after, limit = 100, direction = "forward" } = page;
  const events = liveEvents(log).filter((event) => event.stream === stream);
  if (direction === "backward") events.reverse();
  return events
    .filter(({ version }) => after === undefined || (direction === "forward" ? version > after : version < after))
    .filter(({ timestamp }) => since === undefined || timestamp >= since)
    .slice(0, limit);
}

/** The next page for a reader that goes on where it stopped. */
export function readOn(log: EventLog, limit: number): { readonly events: LoggedEvent[]; readonly more: boolean } {
  const ahead = log.all.slice(log.read).filter((event) => !log.pruned.has(event));
  const events = ahead.slice(0, limit);
  const last = events.at(-1);
  const more = ahead.length > events.length;
  log.read = more && last !== undefined ? log.all.indexOf(last) + 1 : log.all.length;
  return { events, more };
}

export interface Pruning {
  readonly stream?: string;
  /** Milliseconds since 1970. */
  readonly before?: number;
  readonly keep?: number;
  readonly limit?: number;
}

/** From the old end of each stream, up to the first event that is not old enough. */
export function pruneEvents(log: EventLog, { stream, before, keep = 0, limit = 10_000 }: Pruning): number {
  const streams = [...new Set(log.all.map((event) => event.stream))].sort(byBytes);
  let pruned = 0;
  for (const name of streams.filter((each) => stream === undefined || each === stream)) {
    for (const event of listEvents(log, name, {})) {
      const isOld = before === undefined || event.timestamp < before;
      if (!isOld || event.version > headOf(log, name) - keep || pruned === limit) break;
      log.pruned.add(event);
      pruned += 1;
    }
  }
  return pruned;
}

function contentOf({ stream, payload, type, metadata }: Partial<LoggedEvent>) {
  return { stream, payload, type, metadata: metadata ?? null };
}
