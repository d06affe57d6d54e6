import type { Row } from "../driver.ts";
import { ConflictError, ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { checkLimit } from "../sql/limit.ts";
import { fromDate } from "../sql/time.ts";
import { type EventFeed, eventFeed } from "./event-feed.ts";
import { type EventPruning, eventPruning } from "./event-prune.ts";
import { insertEvents, selectEvents } from "./event-statements.ts";
import { type ExpectedVersion, toExpected } from "./expected-version.ts";
import { againIfIdTaken } from "./id-taken.ts";
import { type NewEvent, newEvents, toEventsJson } from "./new-events.ts";
import type { ReadOptions } from "./read-options.ts";
import { runStatement, type StoreContext } from "./store-context.ts";
import { type StoredEvent, toEvent } from "./stored-event.ts";
import { runWrite, type WriteOptions } from "./write-once.ts";

export type { StoredEvent };

export interface AppendOptions extends WriteOptions {
  /** The version that the stream must have: that of its last event, 0 or `"absent"` for none, `"present"` for any. */
  readonly expectedVersion?: ExpectedVersion | undefined;
  /**
   * Makes the append safe to repeat: an event whose id is there already, with the same content in the same stream, is not
   * written again, for as long as that event was not pruned. One id per event. Default: a new UUID of version 7 each.
   */
  readonly id?: string | readonly string[] | undefined;
  /** Of every event of this call. */
  readonly type?: string | undefined;
  /** JSON, of every event of this call. */
  readonly metadata?: unknown;
}

export interface EventListOptions extends ReadOptions {
  readonly stream: string;
  /** Only events of this moment or later, by the database's clock. A filter, not a position: page with `after`. */
  readonly since?: Date | undefined;
  /** Only events behind this version, seen in the direction of reading: the last version of the page before. */
  readonly after?: number | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** `forward` (the default) begins with the oldest, `backward` with the newest. */
  readonly direction?: "forward" | "backward" | undefined;
}

/** Every call is one round trip. */
export interface EventStore extends EventFeed, EventPruning {
  /**
   * Appends one event, or a list of them: all or none, with consecutive versions. An array is a list of events; to store an
   * array as one event, wrap it in another. At most 1,000 in a call.
   *
   * @throws ConflictError when `expectedVersion` does not hold, or an id belongs to another event; nothing was written then
   * @throws ValidationError when something cannot be stored as it is, or an id occurs twice
   */
  append<T = unknown>(
    stream: string,
    payloads: readonly T[],
    options?: AppendOptions,
  ): Promise<readonly StoredEvent<T>[]>;
  append<T = unknown>(stream: string, payload: T, options?: AppendOptions): Promise<StoredEvent<T>>;
  /** In the order of versions. A page that is shorter than the limit is the last. */
  list<T = unknown>(options: EventListOptions): Promise<readonly StoredEvent<T>[]>;
}

/** The events of one store. */
export function eventStore(context: StoreContext): EventStore {
  const { store, emit } = context;

  function append<T>(
    stream: string,
    payloads: readonly T[],
    options?: AppendOptions,
  ): Promise<readonly StoredEvent<T>[]>;
  function append<T>(stream: string, payload: T, options?: AppendOptions): Promise<StoredEvent<T>>;
  async function append<T>(
    stream: string,
    given: T | readonly T[],
    options: AppendOptions = {},
  ): Promise<StoredEvent<T> | readonly StoredEvent<T>[]> {
    checkKey(stream, "events.append: stream");
    const expected = toExpected(options.expectedVersion, "events.append");
    const events = newEvents(Array.isArray(given) ? given : [given], options, context);
    const call = insertEvents(stream, toEventsJson(events), expected);
    const rows = await againIfIdTaken(() => runWrite(context, "events.append", call, options));
    refuseConflict(rows, options.expectedVersion);

    const stored = rows.map((row, index) => toAppended<T>(row, stream, events[index]));
    // Under ids that are new what is there already was written by an earlier attempt of this very call.
    const fresh = options.id === undefined ? rows : rows.filter((row) => row["status"] === "applied");
    if (fresh.length > 0) {
      const version = Number(fresh.at(-1)?.["version"]);
      emit?.({ type: "event:append", store, stream, count: fresh.length, version });
    }
    const [first] = stored;
    if (first === undefined) throw new Error("events.append: the database function gave no row");
    return Array.isArray(given) ? stored : first;
  }

  async function list<T>(options: EventListOptions): Promise<readonly StoredEvent<T>[]> {
    const { stream, since, after, direction = "forward" } = options;
    checkKey(stream, "events.list: stream");
    if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0)) {
      throw new ValidationError("events.list: after must be a version, a whole number from 0");
    }
    if (direction !== "forward" && direction !== "backward") {
      throw new ValidationError('events.list: direction is "forward" or "backward"');
    }
    const statement = selectEvents(context, {
      stream,
      since: since && fromDate(since, "events.list: since"),
      after,
      limit: checkLimit(options.limit, "events.list"),
      direction,
    });
    const rows = await runStatement(context, "events.list", statement, options);
    return rows.map((row) => toEvent<T>(row));
  }

  return { append, list, ...eventFeed(context), ...eventPruning(context) };
}

function refuseConflict(rows: readonly Row[], expected: ExpectedVersion | undefined): void {
  const row = rows[0];
  const currentVersion = Number(row?.["version"] ?? 0);
  if (row?.["status"] === "conflict") {
    throw new ConflictError(
      `events.append: stream is at version ${currentVersion}, expected ${expected}; read it again`,
      { currentVersion },
    );
  }
  if (row?.["status"] === "id-conflict") {
    throw new ConflictError("events.append: an id belongs to another event already; give each event an id of its own", {
      currentVersion,
    });
  }
}

function toAppended<T>(row: Row, stream: string, event: NewEvent | undefined): StoredEvent<T> {
  const payload: unknown = event && JSON.parse(event.payload);
  const metadata: unknown = event && JSON.parse(event.metadata);
  return toEvent({ ...row, stream, payload, type: event?.type, metadata });
}
