import type { Row } from "../driver.ts";
import { encodeCursor, type Position } from "../sql/cursor.ts";
import type { Change, FeedHead, MutationResult, PushRefusal, PushResult, Resync } from "./replica.ts";
import type { StorePage, Unchanged } from "./store-replica.ts";

/** The row of `sync_push_v2`. */
export function toPushResult(row: Row): PushResult | PushRefusal {
  const lastMutation = Number(row["last_mutation"]);
  switch (row["status"]) {
    case "gap":
      return { refused: "gap", lastMutation };
    case "unknown-client":
      return { refused: "unknown-client" };
    case "forbidden":
      return { refused: "forbidden" };
    case "resync":
      return toResync(row);
    default:
      return { results: row["results"] as MutationResult[], lastMutation, head: toHead(row["head"]) };
  }
}

/** The row of `sync_pull_v2`. */
export function toPage(row: Row, store: string, scope: string): StorePage | Unchanged | Resync {
  if (row["status"] === "resync") return toResync(row);
  const epoch = row["epoch"] as string | null;
  const head = toHead(row["head"]);
  const known = row["last_mutation"] === null ? {} : { lastMutation: Number(row["last_mutation"]) };
  if (row["status"] === "unchanged") return { unchanged: true, head, epoch, ...known };
  const lanes = row["position"] as Position["lanes"];
  return {
    changes: row["changes"] as Change[],
    cursor: encodeCursor({ kind: "sync", store, epoch, lanes, scope }),
    more: row["more"] === true,
    head,
    epoch,
    ...known,
  };
}

/** The row of `sync_head`. */
export function toFeedHead(row: Row): FeedHead {
  const epoch = row["epoch"] as string | null;
  return { head: toHead(row["head"]), epoch, serverTime: String(row["server_time"]) };
}

function toResync(row: Row): Resync {
  return { resync: row["why"] as Resync["resync"] };
}

/** The seq of each lane, `"0:1042,1:8"`. Not a cursor, so that nobody skips changes with it. */
function toHead(lanes: unknown): string {
  return (lanes as readonly (readonly [number, string])[]).map(([lane, seq]) => `${lane}:${seq}`).join(",");
}
