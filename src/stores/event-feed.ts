import type { Row } from "../driver.ts";
import { PersistError } from "../errors.ts";
import { decodeCursor, encodeCursor, type Position } from "../sql/cursor.ts";
import { checkLimit } from "../sql/limit.ts";
import { selectFeed } from "./event-statements.ts";
import type { ReadOptions } from "./read-options.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";
import { type StoredEvent, toEvent } from "./stored-event.ts";

export interface ReadAllOptions extends ReadOptions {
  /** That of the page before. Without one, or with null: from the start. */
  readonly cursor?: string | null | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

export interface EventFeedPage<T = unknown> {
  readonly events: readonly StoredEvent<T>[];
  /** Opaque. Keep it together with what was made of the events: it stands behind the last of them. */
  readonly cursor: string;
  /** Whether there were more events at this moment. */
  readonly more: boolean;
}

export interface EventFeed {
  /**
   * A page of the events of all streams, for projections and other readers that follow the whole store. A reader that goes on
   * with each page's cursor gets every event once, however many append at the same time and however long their transactions
   * take. The order is by time, and within each stream by version. A page ends after `limit` events or about 4 MiB, so it may
   * be shorter than the limit: go by `more`. What was pruned before it was read is not read.
   *
   * @throws ValidationError when the cursor is damaged, of another store, or one of sync
   * @throws PersistError with code `resync` when the store's history was replaced (a restore, a branch): read from the start
   * @example
   * ```ts
   * let cursor: string | null = null;
   * for (let more = true; more; ) {
   *   const page: EventFeedPage = await store.events.readAll({ cursor, limit: 500 });
   *   for (const event of page.events) await handle(event);
   *   ({ cursor, more } = page);
   * }
   * ```
   */
  readAll<T = unknown>(options?: ReadAllOptions): Promise<EventFeedPage<T>>;
}

/** Reading across the streams of one store. */
export function eventFeed(context: StoreContext): EventFeed {
  const { store } = context;
  return {
    async readAll<T>(options: ReadAllOptions = {}): Promise<EventFeedPage<T>> {
      const from = positionOf(options.cursor, store);
      const statement = selectFeed(context, from, checkLimit(options.limit, "events.readAll"));
      // A replica of another history, or one that has yet to follow the primary into a new one, would refuse the cursor.
      const isAnswer = (page: readonly Row[]) => page[0]?.["status"] !== "resync";
      const rows = await runStatement(context, "events.readAll", statement, { ...options, from, isAnswer });
      const row = onlyRow(rows, "events.readAll");
      if (row["status"] === "resync") {
        throw new PersistError(
          "resync",
          "events.readAll: the store's history is not the one that this cursor was made in; read from the start, without one",
          { outcome: "rejected" },
        );
      }
      const epoch = row["epoch"] as string | null;
      const lanes = row["position"] as Position["lanes"];
      return {
        events: (row["events"] as Row[]).map((event) => toEvent<T>(event)),
        cursor: encodeCursor({ kind: "events", store, epoch, lanes }),
        more: row["more"] === true,
      };
    },
  };
}

/** A cursor from before the store's first write begins at the start, whatever was written since. */
function positionOf(cursor: string | null | undefined, store: string): Position {
  const position = cursor === null || cursor === undefined ? undefined : decodeCursor(cursor, "events", store);
  return position?.epoch ? position : { kind: "events", store, epoch: null, lanes: [] };
}
