import type { RetryCallOptions } from "../driver/retry.ts";
import type { CallOptions, Driver, Row, Statement } from "../driver.ts";
import type { Position } from "../sql/cursor.ts";
import { isRead, readOperations, repeatableOperations } from "./read-operations.ts";
import type { ReadOptions } from "./read-options.ts";
import { decodeToken } from "./read-token.ts";
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
  /** Sends a statement that only reads, perhaps with others, perhaps to a replica. Default `driver.query`. */
  readonly read?: ((statement: Statement, options: ReadCallOptions) => Promise<Row[]>) | undefined;
  /** How long an idempotency key is remembered, in milliseconds. Default a day. */
  readonly idempotencyLifeMs?: number | undefined;
  /** A write has ended, however it ended. */
  readonly wrote?: (() => void) | undefined;
}

/** What is known of a read on its way to a driver. */
export interface ReadCallOptions extends RetryCallOptions {
  /** In place of what this store object has written; null for nothing at all. */
  readonly atLeast?: Position | null | undefined;
  /** Where the read goes on from: it must be there too. */
  readonly from?: Position | undefined;
  /** Whether rows are an answer. Where they are not, only the primary has the last word. */
  readonly isAnswer?: ((rows: readonly Row[]) => boolean) | undefined;
}

/** What an operation knows of its statement. */
export interface StatementOptions extends ReadOptions {
  /** Being applied twice is the same as once. Default: what `repeatableOperations` says of the operation. */
  readonly idempotent?: boolean | undefined;
  readonly from?: Position | undefined;
  readonly isAnswer?: ReadCallOptions["isAnswer"];
}

/** Sends one statement and tells listeners how long it took. */
export async function runStatement(
  context: StoreContext,
  operation: string,
  statement: Statement,
  options: StatementOptions = {},
): Promise<Row[]> {
  const { driver, read = driver.query } = context;
  const { idempotent = repeatableOperations.has(operation), from, isAnswer } = options;
  const given = { ...callOptions(options, operation), idempotent };
  if (!readOperations.has(operation)) return observed(context, operation, () => driver.query(statement, given));
  const atLeast = decodeToken(options.atLeast, context, operation);
  const readOptions: ReadCallOptions = { ...given, from, isAnswer, atLeast };
  return observed(context, operation, () => read(statement, readOptions));
}

/** Calls the driver by `send` and tells listeners how long it took. */
export async function observed<T>(
  { store, emit, wrote }: Pick<StoreContext, "store" | "emit" | "wrote">,
  operation: string,
  send: () => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const finished = (ok: boolean) => {
    if (!isRead(operation)) wrote?.();
    emit?.({ type: "query", store, operation, durationMs: performance.now() - startedAt, ok });
  };
  try {
    const answer = await send();
    finished(true);
    return answer;
  } catch (error) {
    finished(false);
    throw error;
  }
}

/** What a driver is told of a call, without what only the operation knows. */
export function callOptions({ signal, timeoutMs }: CallOptions = {}, operation?: string): RetryCallOptions {
  return { signal, timeoutMs, operation };
}

/** The one row of a function that answers with exactly one. */
export function onlyRow(rows: readonly Row[], operation: string): Row {
  const [row] = rows;
  if (row === undefined) throw new Error(`${operation}: the database function gave no row`);
  return row;
}
