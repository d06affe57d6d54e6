import type { Store } from "../create-store.ts";

const edits = ["record:put", "record:delete", "record:resolve", "kv:set", "kv:delete", "event:append"] as const;

/** Calls `listener` after each write through this store object. Returns what ends it. */
export function onOwnEdits(store: Store, listener: () => void): () => void {
  const subscriptions = edits.map((type) => store.on(type, listener));
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe();
  };
}
