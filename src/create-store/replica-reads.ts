import { timeoutOf } from "../driver/call.ts";
import type { RetryBatchOptions, RetryCallOptions } from "../driver/retry.ts";
import type { Driver, Row, Statement } from "../driver.ts";
import { type ErrorCode, PersistError } from "../errors.ts";
import { hasPassed } from "../sql/cursor.ts";
import { hasReached, toPosition } from "../stores/clock-statement.ts";
import type { ReadCallOptions } from "../stores/store-context.ts";
import type { ReadPosition } from "./read-position.ts";

export interface ReplicaReadsOptions {
  readonly store: string;
  /** Answers the lanes of the store: `selectClock`. */
  readonly clock: Statement;
  readonly position: ReadPosition;
  readonly onSkip?: ((skip: ReplicaSkip) => void) | undefined;
  /** From 0 up to, not including, 1. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds from any moment on. */
  readonly now?: (() => number) | undefined;
}

/** Why a read went past a replica. */
export interface ReplicaSkip {
  readonly replica: number;
  readonly reason: "behind" | "failed";
  readonly code?: ErrorCode;
}

/** For reads alone. */
export interface ReadDriver extends Driver {
  query(statement: Statement, options?: ReadCallOptions): Promise<Row[]>;
  batch(statements: readonly Statement[], options?: ReadCallOptions): Promise<Row[][]>;
}

/**
 * Sends reads to replicas, in turn, and to the primary when none of them may answer. A replica may answer when it has seen what
 * the read must see: its own clock, read in the same round trip, says so. The first read after a write goes to the primary,
 * which tells with it how far that write has moved the clock.
 *
 * A replica that is behind rests for a moment, and one that cannot be reached for ten seconds: until then reads go past it
 * without asking. It gets half of the time that a read has left, so that one that hangs takes no read with it.
 */
export function replicaReads(primary: Driver, replicas: readonly Driver[], options: ReplicaReadsOptions): ReadDriver {
  const { store, clock, position, onSkip, random = Math.random } = options;
  const now = options.now ?? (() => performance.now());
  const restsUntil = replicas.map(() => Number.NEGATIVE_INFINITY);
  let turn = Math.floor(random() * replicas.length);

  async function read(statements: readonly Statement[], given: ReadCallOptions = {}): Promise<Row[][]> {
    const deadline = now() + timeoutOf(given, primary);
    const mustKnow = given.atLeast === undefined && !position.isKnown();
    let bound = given;
    for (const index of mustKnow ? [] : inTurn()) {
      const half = Math.max(1, (deadline - now()) / 2);
      const timeoutMs = Math.min(half, given.timeoutMs ?? replicas[index]?.timeoutMs ?? half);
      const answer = await ask(index, statements, { ...given, timeoutMs });
      if (answer !== undefined) return answer;
      bound = { ...given, timeoutMs: Math.max(1, deadline - now()) };
    }
    return mustKnow ? askPrimaryWithClock(statements, bound) : askPrimary(statements, bound);
  }

  /** Undefined when the replica may not, or cannot, answer. */
  async function ask(index: number, statements: readonly Statement[], bound: ReadCallOptions) {
    const replica = replicas[index];
    if (replica === undefined) return undefined;
    const { atLeast = position.current(), from, isAnswer = () => true } = bound;
    try {
      const mustLook = atLeast?.lanes.length || from?.lanes.length;
      const [lanes = [], ...answer] = mustLook
        ? await send(replica, [clock, ...statements], bound)
        : [[], ...(await send(replica, statements, bound))];
      const reached = toPosition(store, lanes);
      const isThere = (!atLeast || hasReached(reached, atLeast)) && (!from || hasPassed(reached, from));
      if (isThere && answer.every(isAnswer)) return answer;
      skip(index, { replica: index, reason: "behind" }, BEHIND_REST_MS);
    } catch (error) {
      if (!(error instanceof PersistError) || error.code === "aborted") throw error;
      // What the server itself refuses is no sign of a broken replica, but a schema that is missing there is.
      const rests = error.code === "database" && !isMissing(error) ? 0 : DOWN_REST_MS;
      skip(index, { replica: index, reason: "failed", code: error.code }, rests);
    }
    return undefined;
  }

  function skip(index: number, event: ReplicaSkip, restMs: number) {
    restsUntil[index] = now() + restMs;
    onSkip?.(event);
  }

  function inTurn(): readonly number[] {
    turn = (turn + 1) % replicas.length;
    const order = replicas.map((_, step) => (turn + step) % replicas.length);
    return order.filter((index) => (restsUntil[index] ?? 0) <= now());
  }

  function askPrimary(statements: readonly Statement[], bound: ReadCallOptions): Promise<Row[][]> {
    return send(primary, statements, bound);
  }

  async function askPrimaryWithClock(statements: readonly Statement[], bound: ReadCallOptions): Promise<Row[][]> {
    const saw = position.looking();
    const [lanes = [], ...answer] = await send(primary, [clock, ...statements], bound);
    saw(lanes);
    return answer;
  }

  return {
    name: primary.name,
    timeoutMs: primary.timeoutMs,
    async query(statement, given) {
      const [rows = []] = await read([statement], given);
      return rows;
    },
    batch: read,
    close: () => primary.close(),
  };
}

/** A replica lags by some milliseconds as a rule. */
const BEHIND_REST_MS = 100;
const DOWN_REST_MS = 10_000;

async function send(driver: Driver, statements: readonly Statement[], bound: ReadCallOptions): Promise<Row[][]> {
  const { signal, timeoutMs, operation } = bound;
  const given: RetryCallOptions = { signal, timeoutMs, operation, idempotent: true };
  const [first, second] = statements;
  if (first !== undefined && second === undefined) return [await driver.query(first, given)];
  const batched: RetryBatchOptions = { ...given, readOnly: true };
  return driver.batch(statements, batched);
}

function isMissing({ sqlstate = "" }: PersistError): boolean {
  return ["42P01", "42703", "42883", "3F000"].includes(sqlstate);
}
