import type { RetryPolicy } from "../driver/retry.ts";
import type { Driver } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import type { WithMigrationsOptions } from "../migrate/with-migrations.ts";
import type { StoreContext } from "../stores/store-context.ts";

/** What a transaction across stores needs of each of them. */
export interface StoreInternals {
  readonly context: StoreContext;
  /** As it was given or loaded: without migrations around it. */
  readonly driver: Driver;
  readonly migrations: WithMigrationsOptions;
  /** Null for none. */
  readonly retry: RetryPolicy | null;
}

/** Keeps them in the store object, out of sight: not enumerable, under a name that nobody else has. */
export function withInternals<Store extends object>(store: Store, value: StoreInternals): Store {
  return Object.defineProperty(store, internals, { value });
}

/** @throws ValidationError for anything but an object that `createStore` gave */
export function internalsOf(store: object, what: string): StoreInternals {
  const found = typeof store === "object" && store !== null ? (store as WithInternals)[internals] : undefined;
  if (found) return found;
  throw new ValidationError(`${what} must be the very object that createStore gave, not a copy of it`);
}

const internals = Symbol("onetrip.store");

interface WithInternals {
  readonly [internals]?: StoreInternals;
}
