import { decodeCursor } from "../../sql/cursor.ts";
import type { FeedHead } from "../replica.ts";

/** Where a client believes the feed to stand. */
export interface KnownPlace {
  readonly head: string;
  /** Undefined: the client did not say. */
  readonly epoch: string | null | undefined;
}

/**
 * What a poke names: `head` with or without `epoch`, as a page or a poke gave them, or a `cursor`. Undefined for nothing.
 *
 * @throws ValidationError for a cursor that is damaged or of another store
 */
export function placeOf(params: URLSearchParams, store: string): KnownPlace | undefined {
  const head = params.get("head");
  if (head !== null) return { head, epoch: params.get("epoch") ?? undefined };
  const cursor = params.get("cursor") ?? "";
  if (cursor === "") return undefined;
  const { lanes, epoch } = decodeCursor(cursor, "sync", store);
  const reached = lanes.filter(([, seq]) => seq !== "0").sort(([a], [b]) => a - b);
  return { head: reached.map(([lane, seq]) => `${lane}:${seq}`).join(","), epoch };
}

/** Whether the feed stands elsewhere. */
export function hasMoved(known: KnownPlace | undefined, feed: FeedHead): boolean {
  if (known === undefined) return true;
  return feed.head !== known.head || (known.epoch !== undefined && feed.epoch !== known.epoch);
}
