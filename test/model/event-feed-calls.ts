import fc from "fast-check";
import type { EventFeedPage } from "../../src/stores/event-feed.ts";
import { type Call, type StoreModel, textOf } from "./call.ts";
import { anyStream, momentOf, type Since, seen } from "./event-calls.ts";
import { liveEvents, type Pruning, pruneEvents, readOn } from "./event-model.ts";
import type { Outcome } from "./outcome.ts";

/** Calls of `store.events` across streams. */
export const eventFeedCalls: readonly fc.Arbitrary<Call>[] = [
  fc.integer({ min: 1, max: 4 }).map(readNext),
  fc.integer({ min: 1, max: 3 }).map(readPageByPage),
  fc
    .tuple(
      fc.record({ stream: anyStream, keep: fc.nat(3), limit: fc.integer({ min: 1, max: 3 }) }, { requiredKeys: [] }),
      fc.constantFrom<Since>(undefined, 1, 2, 3, "always", "never"),
    )
    .map(prune),
];

/** One reader, which goes on where it stopped. */
function readNext(limit: number): Call {
  return {
    text: textOf("events.readAll on", { limit }),
    async send(store, model) {
      const { events, cursor, more } = await store.events.readAll({ cursor: model.events.cursor, limit });
      return { events: events.map(seen), cursor, more };
    },
    apply(model, answer) {
      model.events.cursor = cursorOf(answer);
      return { ...readOn(model.events, limit), cursor: model.events.cursor };
    },
  };
}

function cursorOf(answer: Outcome): string | null {
  const { cursor = null } = answer as { readonly cursor?: string };
  return cursor;
}

function readPageByPage(limit: number): Call {
  return {
    text: textOf("events.readAll page by page", { limit }),
    async send(store) {
      const all: unknown[] = [];
      for (let cursor: string | null = null, more = true; more; ) {
        const page: EventFeedPage = await store.events.readAll({ cursor, limit });
        all.push(...page.events.map(seen));
        ({ cursor, more } = page);
      }
      return all;
    },
    // One client: what comes later is later in time too.
    apply: (model) => liveEvents(model.events),
  };
}

function prune([options, since]: [Omit<Pruning, "before">, Since]): Call {
  const beforeOf = (model: StoreModel) => momentOf(model, options.stream ?? "s", since);
  const bounded = (model: StoreModel) => {
    const before = beforeOf(model);
    return options.keep === undefined && before === undefined ? { ...options, keep: 1 } : options;
  };
  return {
    text: textOf("events.prune", options, since && { before: since }),
    send(store, model) {
      const before = beforeOf(model);
      return store.events.prune({ ...bounded(model), ...(before !== undefined && { before: new Date(before) }) });
    },
    apply(model) {
      const before = beforeOf(model);
      return pruneEvents(model.events, { ...bounded(model), ...(before !== undefined && { before }) });
    },
  };
}
