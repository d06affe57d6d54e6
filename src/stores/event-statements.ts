import type { Param, Statement } from "../driver.ts";
import type { Position } from "../sql/cursor.ts";
import { utcText } from "../sql/time.ts";
import type { StoreContext } from "./store-context.ts";
import type { WriteCall } from "./write-call.ts";

type Target = Pick<StoreContext, "store" | "schema">;

/**
 * Answers `status`, `id`, `version` and `timestamp`, a row per event.
 *
 * @param events JSON text of an array of `[id, payload, type, metadata]`
 */
export function insertEvents(stream: string, events: string, expected: string | null): WriteCall {
  return {
    function: "event_append",
    columns: 'status, id, version, "timestamp"',
    args: [stream, { json: events }, expected],
  };
}

export interface EventPage {
  readonly stream: string;
  /** ISO 8601. */
  readonly since: string | undefined;
  readonly after: number | undefined;
  readonly limit: number;
  readonly direction: "forward" | "backward";
}

export function selectEvents({ store, schema }: Target, page: EventPage): Statement {
  const params: Param[] = [store, page.stream];
  const conditions = ["e.store = $1", "e.stream = $2"];
  if (page.after !== undefined) {
    conditions.push(
      `e.version ${page.direction === "forward" ? ">" : "<"} $${params.push(String(page.after))}::bigint`,
    );
  }
  if (page.since !== undefined) conditions.push(`e.timestamp >= $${params.push(page.since)}::text::timestamptz`);
  return {
    text: `select e.id, e.stream, e.version::text as version, e.type, e.payload, e.metadata, ${utcText("e.timestamp")} as "timestamp"
from ${schema}.persist_events e
where ${conditions.join(" and ")}
order by e.version ${page.direction === "forward" ? "asc" : "desc"}
limit $${params.push(page.limit)}::int`,
    params,
  };
}

/** Answers one row: `status`, `epoch`, `position`, `events`, `more`. */
export function selectFeed({ store, schema }: Target, { epoch, lanes }: Position, limit: number): Statement {
  return {
    text: `select status, epoch, "position", events, more from ${schema}.event_feed_v2($1, $2, $3, $4)`,
    params: [store, epoch, JSON.stringify(lanes), limit],
  };
}

export interface Prune {
  readonly stream: string | null;
  /** ISO 8601. */
  readonly before: string | null;
  /** A whole number, as text. */
  readonly keep: string | null;
  readonly limit: number;
}

/** Answers `pruned`. */
export function deleteEvents({ store, schema }: Target, { stream, before, keep, limit }: Prune): Statement {
  return {
    text: `select pruned from ${schema}.event_prune($1, $2, $3, $4, $5)`,
    params: [store, stream, before, keep, limit],
  };
}
