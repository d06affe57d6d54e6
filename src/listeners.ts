import { ValidationError } from "./errors.ts";

type Group<Type extends string> = Type extends `${infer Head}:${string}` ? `${Head}:*` : never;

/** The type of an event, `head:*` for a group of them, or `*` for all. */
export type EventPattern<Event extends { readonly type: string }> = Event["type"] | Group<Event["type"]> | "*";

/** The events that a pattern stands for. */
export type EventOf<Event extends { readonly type: string }, Pattern extends string> = Pattern extends "*"
  ? Event
  : Pattern extends `${infer Head}:*`
    ? Extract<Event, { type: `${Head}:${string}` }>
    : Extract<Event, { type: Pattern }>;

/** Ends a listener's subscription. Harmless twice. */
export type Unsubscribe = () => void;

export interface Listeners<Event extends { readonly type: string }> {
  on<Pattern extends EventPattern<Event>>(
    pattern: Pattern,
    listener: (event: EventOf<Event, Pattern>) => unknown,
  ): Unsubscribe;
  /** Calls who listens, in the order of subscription. What a listener throws or rejects with is dropped. */
  emit(event: Event): void;
}

/**
 * Who listens to what.
 *
 * @param what the call, for the message about a pattern that does not exist: `store.on`
 */
export function listeners<Event extends { readonly type: string }>(
  patterns: ReadonlySet<EventPattern<Event>>,
  what: string,
): Listeners<Event> {
  const subscriptions = new Set<{ readonly pattern: string; readonly listener: (event: never) => unknown }>();
  return {
    on(pattern, listener) {
      if (!patterns.has(pattern)) {
        throw new ValidationError(`${what}: there is no such event; use ${[...patterns].join(", ")}`);
      }
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
