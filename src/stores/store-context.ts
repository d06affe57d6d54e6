import type { CallOptions, Driver, Row, Statement } from "../driver.ts";
import { readOperations } from "./read-operations.ts";
import type { Emit } from "./store-event.ts";

/** What the parts of a store share. */
export interface StoreContext {
  readonly driver: Driver;
  /** The store's name, checked. */
  readonly store: string;
  /** The schema's name, quoted. */
  readonly schema: string;
  readonly emit?: Emit | undefined;
  /** The largest value as JSON text, in bytes of UTF-8. Default 1 MiB. */
  readonly maxValueBytes?: number | undefined;
  /** Milliseconds since 1970, for ids that sort by time. Default the system clock. */
  readonly now?: (() => number) | undefined;
  /** Sends a statement that only reads, perhaps with others. Default `driver.query`. */
  readonly read?: Driver["query"] | undefined;
}

/** Sends one statement and tells listeners how long it took. */
export function runStatement(
  context: StoreContext,
  operation: string,
  statement: Statement,
  options: CallOptions | undefined,
): Promise<Row[]> {
  const { driver, read = driver.query } = context;
  const send = readOperations.has(operation) ? read : driver.query;
  return observed(context, operation, () => send(statement, callOptions(options)));
}

/** Calls the driver by `send` and tells listeners how long it took. */
export async function observed<T>(
  { store, emit }: Pick<StoreContext, "store" | "emit">,
  operation: string,
  send: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const finished = (ok: boolean) =>
    emit?.({ type: "query", store, operation, durationMs: performance.now() - startedAt, ok });
  try {
    const answer = await send();
    finished(true);
    return answer;
  } catch (error) {
    finished(false);
    throw error;
  }
}

/** The options of an operation without what only the operation knows. */
export function callOptions(options: CallOptions | undefined): CallOptions | undefined {
  return options && { signal: options.signal, timeoutMs: options.timeoutMs };
}

/** The one row of a function that answers with exactly one. */
export function onlyRow(rows: readonly Row[], operation: string): Row {
  const [row] = rows;
  if (row === undefined) throw new Error(`${operation}: the database function gave no row`);
  return row;
}
