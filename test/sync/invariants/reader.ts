import type { Change, ChangePage, Cursor, PullOptions, Replica } from "../../../src/sync/index.ts";
import { page } from "../replicas.ts";
import { type Place, placeOf } from "./places.ts";

/** Pulls pages, and keeps what they bring. */
export interface Reader {
  readonly cursor: () => Cursor | null;
  /** By place the last change that was brought, tombstones too. */
  readonly mirror: ReadonlyMap<Place, Change>;
  /** Everything, in the order in which it came. */
  readonly delivered: readonly Change[];
  pull(limit: number): Promise<ChangePage>;
  /** Pages of that size until there is no more. */
  pullRest(limit: number): Promise<void>;
}

export function newReader(replica: Replica, options: PullOptions = {}): Reader {
  let cursor: Cursor | null = null;
  const mirror = new Map<Place, Change>();
  const delivered: Change[] = [];

  async function pull(limit: number): Promise<ChangePage> {
    const next = await page(replica.pull(cursor, limit, options));
    for (const change of next.changes) mirror.set(placeOf(change), change);
    delivered.push(...next.changes);
    cursor = next.cursor;
    return next;
  }

  return {
    cursor: () => cursor,
    mirror,
    delivered,
    pull,
    async pullRest(limit) {
      for (let isMore = true; isMore; ) isMore = (await pull(limit)).more;
    },
  };
}
