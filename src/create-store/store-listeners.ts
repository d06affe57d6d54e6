import { ValidationError } from "../errors.ts";
import type { Emit, StoreEvent } from "../stores/store-event.ts";

type Group<Type extends string> = Type extends `${infer Head}:${string}` ? `${Head}:*` : never;

/** The type of an event, `record:*` and the like for a group of them, or `*` for all. */
export type StoreEventPattern = StoreEvent["type"] | Group<StoreEvent["type"]> | "*";

/** The events that a pattern stands for. */
export type StoreEventOf<Pattern extends StoreEventPattern> = Pattern extends "*"
  ? StoreEvent
  : Pattern extends `${infer Head}:*`
    ? Extract<StoreEvent, { type: `${Head}:${string}` }>
    : Extract<StoreEvent, { type: Pattern }>;

/** Ends a listener's subscription. Harmless twice. */
export type Unsubscribe = () => void;

export interface StoreListeners {
  on<Pattern extends StoreEventPattern>(
    pattern: Pattern,
    listener: (event: StoreEventOf<Pattern>) => unknown,
  ): Unsubscribe;
  /** Calls who listens, in the order of subscription. What a listener throws or rejects with is dropped. */
  readonly emit: Emit;
}

export function storeListeners(): StoreListeners {
  const subscriptions = new Set<{ readonly pattern: string; readonly listener: (event: never) => unknown }>();
  return {
    on(pattern, listener) {
      if (!patterns.has(pattern))
        throw new ValidationError(`store.on: there is no such event; use ${[...patterns].join(", ")}`);
      const subscription = { pattern, listener };
      subscriptions.add(subscription);
      return () => {
        subscriptions.delete(subscription);
      };
    },
    emit(event) {
      for (const { pattern, listener } of [...subscriptions]) {
        if (matches(pattern, event.type)) callSafely(listener, event as never);
      }
    },
  };
}

const patterns: ReadonlySet<string> = new Set<StoreEventPattern>([
  "record:put",
  "record:delete",
  "record:conflict",
  "record:*",
  "event:append",
  "event:*",
  "kv:set",
  "kv:delete",
  "kv:*",
  "query",
  "migrate",
  "*",
]);

function matches(pattern: string, type: string): boolean {
  return pattern === "*" || pattern === type || (pattern.endsWith(":*") && type.startsWith(pattern.slice(0, -1)));
}

function callSafely(listener: (event: never) => unknown, event: never): void {
  try {
    const result = listener(event);
    if (result instanceof Promise) result.catch(() => undefined);
  } catch {
    // The operation that is being reported has succeeded or failed on its own account.
  }
}
