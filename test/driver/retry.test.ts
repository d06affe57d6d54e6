import { describe, expect, it } from "vitest";
import { type FailedAttempt, type RetryCallOptions, type RetryOptions, withRetry } from "../../src/driver/retry.ts";
import { sleep } from "../../src/driver/sleep.ts";
import type { BatchOptions, Driver, Row } from "../../src/driver.ts";
import { ConnectionError, type Outcome, PersistError, TimeoutError } from "../../src/errors.ts";
import { failureOf } from "../contract/store.ts";

type Answer = (options: BatchOptions | undefined) => Promise<Row[]>;

const statement = { text: "select 1", params: [] };
const rows = [{ one: 1 }];
const succeeds: Answer = async () => rows;
const fails =
  (error: unknown): Answer =>
  () =>
    Promise.reject(error);
const lost = (outcome: Outcome, retryAfterMs?: number) => new ConnectionError("lost", { outcome, retryAfterMs });
const refused = (sqlstate: string, retryable: boolean, outcome: Outcome = "rejected") =>
  new PersistError("database", "refused", { outcome, retryable, sqlstate, cause: { detail: "why" } });

/** A driver that follows a script, under a clock that moves only by waiting and by what the script takes. */
function scripted(script: readonly Answer[], options: RetryOptions = {}) {
  const sent: (BatchOptions | undefined)[] = [];
  const waits: number[] = [];
  const told: FailedAttempt[] = [];
  const clock = { ms: 1_000 };
  const next = (given: BatchOptions | undefined) => {
    const answer = script[Math.min(sent.length, script.length - 1)];
    sent.push(given);
    return answer ? answer(given) : Promise.resolve([]);
  };
  const inner: Driver = {
    name: "scripted",
    query: (_, given) => next(given),
    batch: async (_, given) => [await next(given)],
    close: async () => undefined,
  };
  const driver = withRetry(inner, {
    random: () => 0.5,
    now: () => clock.ms,
    async sleep(ms) {
      waits.push(ms);
      clock.ms += ms;
    },
    onRetry: (attempt) => told.push(attempt),
    ...options,
  });
  return { driver, sent, waits, told, clock };
}

describe("withRetry", () => {
  const outcomes = ["not-sent", "rejected", "rolled-back", "unknown"] as const;
  for (const outcome of outcomes) {
    for (const idempotent of [true, false]) {
      const isSafe = outcome !== "unknown" || idempotent;
      it(`${isSafe ? "repeats" : "does not repeat"} ${outcome}, ${idempotent ? "" : "not "}idempotent`, async () => {
        const { driver, sent } = scripted([fails(lost(outcome)), succeeds]);
        const call = driver.query(statement, { idempotent });
        if (isSafe) expect(await call).toEqual(rows);
        else expect(await failureOf(call)).toMatchObject({ outcome: "unknown" });
        expect(sent).toHaveLength(isSafe ? 2 : 1);
      });
    }
  }

  it("takes a call for not idempotent unless it is told, but for a read-only batch", async () => {
    const query = scripted([fails(lost("unknown")), succeeds]);
    await failureOf(query.driver.query(statement));
    await failureOf(query.driver.batch([statement]).then(() => Promise.reject(new Error("was answered"))));
    expect(query.sent).toHaveLength(2);
    const batch = scripted([fails(lost("unknown")), succeeds]);
    expect(await batch.driver.batch([statement], { readOnly: true })).toEqual([rows]);
    expect(batch.sent).toMatchObject([{ readOnly: true }, { readOnly: true }]);
  });

  it("repeats nothing that would fail again, and nothing whose time is over", async () => {
    const final = [
      refused("23505", false),
      refused("42501", false, "rolled-back"),
      refused("57014", true),
      new TimeoutError("late", { outcome: "not-sent" }),
      new PersistError("aborted", "given up", { outcome: "not-sent", retryable: true }),
      new PersistError("closed", "closed", { outcome: "not-sent" }),
      new RangeError("a bug"),
    ];
    for (const error of final) {
      const { driver, sent } = scripted([fails(error), succeeds]);
      expect(await failureOf(driver.query(statement, { idempotent: true }))).toBe(error);
      expect(sent).toHaveLength(1);
    }
  });

  it("waits longer each time, at random from nothing to the full length, and no longer than the limit", async () => {
    const { driver, waits } = scripted([fails(lost("not-sent"))], { attempts: 6, baseMs: 100, maxMs: 500 });
    await failureOf(driver.query(statement));
    expect(waits).toEqual([50, 100, 200, 250, 250]);
    for (const random of [0, 0.999]) {
      const other = scripted([fails(lost("not-sent"))], { attempts: 3, baseMs: 100, random: () => random });
      await failureOf(other.driver.query(statement));
      expect(other.waits).toEqual([100 * random, 200 * random]);
    }
  });

  it("waits at least as long as the server asked for", async () => {
    const { driver, waits } = scripted([fails(lost("rejected", 250)), succeeds]);
    await driver.query(statement);
    expect(waits).toEqual([275]);
  });

  it("has one deadline for all attempts and waits, and begins no wait that would go beyond it", async () => {
    const { driver, sent, clock } = scripted(
      [
        async () => {
          clock.ms += 60;
          throw lost("not-sent");
        },
      ],
      { baseMs: 20, maxMs: 20, attempts: 50 },
    );
    await failureOf(driver.query(statement, { timeoutMs: 200 }));
    expect(sent.map((options) => options?.timeoutMs)).toEqual([200, 130, 60]);

    const asked = scripted([fails(lost("rejected", 5_000))]);
    expect(await failureOf(asked.driver.query(statement, { timeoutMs: 4_000 }))).toMatchObject({ retryAfterMs: 5_000 });
    expect(asked.waits).toEqual([]);
  });

  it("leaves the first attempt its driver's own deadline where the call names none", async () => {
    const { driver, sent } = scripted([fails(lost("not-sent")), succeeds]);
    await driver.query(statement);
    expect(sent.map((options) => options?.timeoutMs)).toEqual([undefined, 29_975]);
  });

  it("says that the outcome is unknown when that of any attempt was", async () => {
    const late = new TimeoutError("late", { outcome: "not-sent" });
    for (const last of [lost("not-sent"), late, refused("OT002", false), lost("unknown")]) {
      const { driver } = scripted([fails(lost("unknown")), fails(last)], { attempts: 2 });
      const failure = await failureOf(driver.query(statement, { idempotent: true }));
      expect(failure).toBeInstanceOf(last.constructor);
      expect(failure).toMatchObject({
        code: last.code,
        message: last.message,
        outcome: "unknown",
        sqlstate: last.sqlstate,
      });
      expect((failure as Error).cause).toBe(last.cause);
    }
    const known = scripted([fails(lost("rejected")), fails(lost("rolled-back"))], { attempts: 2 });
    expect(await failureOf(known.driver.query(statement))).toMatchObject({ outcome: "rolled-back" });
  });

  it("tells of each attempt that is followed by another", async () => {
    const { driver, told } = scripted([fails(lost("not-sent")), fails(refused("40001", true)), succeeds]);
    await driver.query(statement, { operation: "records.get" });
    expect(told).toEqual([
      { operation: "records.get", attempt: 1, waitMs: 25, code: "connection", outcome: "not-sent" },
      { operation: "records.get", attempt: 2, waitMs: 50, code: "database", outcome: "rejected" },
    ]);
  });

  it("does not hand on to the driver what is for itself alone", async () => {
    const { driver, sent } = scripted([succeeds]);
    const options: RetryCallOptions = { idempotent: true, operation: "x", timeoutMs: 5 };
    await driver.query(statement, options);
    await driver.batch([statement], { ...options, isolation: "serializable" });
    expect(sent).toEqual([{ timeoutMs: 5 }, { timeoutMs: 5, isolation: "serializable" }]);
  });

  it("ends a wait at once when the caller gives up, and is honest about what was sent", async () => {
    for (const outcome of ["rejected", "unknown"] as const) {
      const abort = new AbortController();
      const { driver, sent } = scripted([fails(lost(outcome, 60_000))], {
        now: () => 0,
        sleep,
        onRetry: () => queueMicrotask(() => abort.abort(new Error("enough"))),
      });
      const options = { signal: abort.signal, idempotent: true, timeoutMs: 120_000 };
      const failure = await failureOf(driver.query(statement, options));
      expect(failure).toMatchObject({ code: "aborted", outcome, cause: { message: "enough" } });
      expect(sent).toHaveLength(1);
    }
  });

  it("does not begin to wait for a caller who has given up", async () => {
    await sleep(60_000, AbortSignal.abort());
  });
});
