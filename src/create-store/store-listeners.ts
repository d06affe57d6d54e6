import { type EventOf, type EventPattern, type Listeners, listeners } from "../listeners.ts";
import type { StoreEvent } from "../stores/store-event.ts";

export type { Unsubscribe } from "../listeners.ts";

/** The type of an event, `record:*` and the like for a group of them, or `*` for all. */
export type StoreEventPattern = EventPattern<StoreEvent>;

/** The events that a pattern stands for. */
export type StoreEventOf<Pattern extends StoreEventPattern> = EventOf<StoreEvent, Pattern>;

export type StoreListeners = Listeners<StoreEvent>;

export function storeListeners(): StoreListeners {
  return listeners<StoreEvent>(patterns, "store.on");
}

const patterns: ReadonlySet<StoreEventPattern> = new Set<StoreEventPattern>([
  "record:put",
  "record:delete",
  "record:conflict",
  "record:resolve",
  "record:*",
  "event:append",
  "event:prune",
  "event:*",
  "kv:set",
  "kv:delete",
  "kv:*",
  "query",
  "retry",
  "replica:skip",
  "replica:*",
  "migrate",
  "warning",
  "sync:start",
  "sync:progress",
  "sync:complete",
  "sync:error",
  "sync:conflict",
  "sync:resync",
  "sync:stalled",
  "sync:dead-letter",
  "sync:*",
  "*",
]);
