import { ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { addToEntry, compareEntry } from "./kv-statements.ts";
import { checkTtl, type EncodedValue, encodeValue, type SetOptions } from "./kv-value.ts";
import { onlyRow, type StoreContext } from "./store-context.ts";
import { runWrite, type WriteOptions } from "./write-once.ts";

export interface IncrementOptions extends WriteOptions {
  /**
   * Life of an entry that begins with this call, as in `set`. One that is there keeps its own: so a counter with a `ttl`
   * counts through a window that begins with the first call.
   */
  readonly ttl?: number | undefined;
}

/** Reads and writes in one step. Not safe to repeat after an outcome `unknown`, but with an `idempotencyKey`. */
export interface KvConditional {
  /**
   * Adds `by` (default 1; any finite number, also negative) and resolves to the sum. Without an entry it begins at 0. The sum is
   * exact in decimal: 0.1 and 0.2 make 0.3.
   *
   * @throws ValidationError with outcome `rejected` when there is a value that is not a number, or the sum
   * would go beyond 2^53 - 1; nothing was written then
   * @throws ValidationError with outcome `not-sent` when key, by or ttl are not sound
   * @example
   * ```ts
   * if ((await store.kv.increment(`calls/${user}`, 1, { ttl: 60_000 })) > 100) throw new Error("slow down");
   * ```
   */
  increment(key: string, by?: number, options?: IncrementOptions): Promise<number>;
  /** Writes as `set` does where there is no entry, and says whether it did. */
  setIfAbsent(key: string, value: unknown, options?: SetOptions): Promise<boolean>;
  /**
   * Writes `next` as `set` does where the value equals `expected`, and says whether it did. Equal as JSON: members in any order,
   * 1 and 1.0 the same; bytes equal bytes only. `undefined` expects no entry.
   *
   * @throws ValidationError when something cannot be stored as it is
   */
  compareAndSet(key: string, expected: unknown, next: unknown, options?: SetOptions): Promise<boolean>;
}

/** Conditional operations on the entries of one store. */
export function kvConditional(context: StoreContext): KvConditional {
  const { store, emit, maxValueBytes } = context;

  async function increment(key: string, by = 1, options: IncrementOptions = {}): Promise<number> {
    checkKey(key, "kv.increment: key");
    const call = addToEntry(key, checkSummand(by, "kv.increment"), checkTtl(options.ttl, "kv.increment"));
    const row = onlyRow(await runWrite(context, "kv.increment", call, options), "kv.increment");
    if (row["status"] !== "applied") throw refused(row["status"]);
    emit?.({ type: "kv:set", store, key });
    return Number(row["total"]);
  }

  async function setIfAbsent(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    return compare({ what: "kv.setIfAbsent", key, expected: null, value }, options);
  }

  async function compareAndSet(key: string, expected: unknown, next: unknown, options?: SetOptions): Promise<boolean> {
    const what = "kv.compareAndSet";
    checkKey(key, `${what}: key`);
    const encoded = expected === undefined ? null : encodeValue(expected, `${what}: expected`, maxValueBytes);
    return compare({ what, key, expected: encoded, value: next }, options);
  }

  async function compare({ what, key, expected, value }: Comparison, options: SetOptions = {}): Promise<boolean> {
    checkKey(key, `${what}: key`);
    const next = encodeValue(value, `${what}: value`, maxValueBytes);
    const call = compareEntry(key, { expected, next, ttlMs: checkTtl(options.ttl, what) });
    const row = onlyRow(await runWrite(context, what, call, options), what);
    if (row["status"] !== "applied") return false;
    emit?.({ type: "kv:set", store, key });
    return true;
  }

  return { increment, setIfAbsent, compareAndSet };
}

interface Comparison {
  readonly what: string;
  readonly key: string;
  readonly expected: EncodedValue | null;
  readonly value: unknown;
}

/** @throws ValidationError */
export function checkSummand(by: number, what: string): number {
  if (Number.isFinite(by) && Math.abs(by) <= Number.MAX_SAFE_INTEGER) return by;
  throw new ValidationError(`${what}: by must be a finite number, not beyond 2^53 - 1`);
}

function refused(status: unknown): ValidationError {
  const message =
    status === "out-of-range"
      ? "kv.increment: the sum would go beyond 2^53 - 1, where numbers are not exact; set the entry anew"
      : "kv.increment: the value is not a number; set one, or delete the entry";
  return new ValidationError(message, { outcome: "rejected" });
}
