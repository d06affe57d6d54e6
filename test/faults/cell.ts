import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Driver } from "../../src/driver.ts";
import type { MatrixCell } from "./cells-of.ts";
import type { Lift, Phase } from "./fault.ts";
import { type Ground, layGround } from "./ground.ts";
import { type Gate, insertBehind, insertRow, insertToCommitBehind, type Ledger } from "./ledger.ts";
import { possibleRows, rowsIn } from "./possible-rows.ts";
import { resultOf } from "./result-of.ts";
import type { StallMeter } from "./stall-meter.ts";

/** The deadline of the call that is hit, unless the way has its own. */
const TIMEOUT_MS = 500;

/** What a deadline may be missed by, beside a tenth of itself, on a busy machine. */
const LATENESS_MS = 150;

/** How long `close()` may take with a server that does not answer. */
const CLOSE_MS = 1_500;

/** What was seen: `ok`, `closed`, or the error's code and outcome. */
export interface Seen {
  readonly result: string;
  /** Whether the rows of the call were there afterwards. */
  readonly applied: boolean;
}

/** Breaks one call of one driver, and holds what comes of it against what the driver promises. */
export async function runCell(cell: MatrixCell, ledger: Ledger, stalls: StallMeter): Promise<Seen> {
  const { id, way, fault, phase, expectation } = cell;
  const ground = await layGround(way, fault, ledger);
  const gate = await ledger.gate();
  const driver = way.open(ground.url);
  try {
    const { result, lateMs, lift } = await hit(cell, { ground, gate, driver, stalls });
    expect(expectation.results, "the result of the call").toContain(result);
    expect(Math.round(lateMs), "milliseconds beyond the deadline").toBeLessThanOrEqual(0);
    await lift();
    await gate.open();

    if (phase !== "close") {
      expect(await driver.query(selectOne, { timeoutMs: 5_000 }), "the next call").toEqual([{ one: 1 }]);
      expect(await within(CLOSE_MS, driver.close()), "close()").toBe("closed");
    }
    if (way.keepsAlive !== true) {
      await untilClosed(ground);
      expect(ground.line.connections(), "sockets left").toBe(0);
    }
    if (fault.maxConnections !== undefined) {
      expect(ground.line.accepted(), "connections, the next call's included").toBeLessThanOrEqual(
        fault.maxConnections + 1,
      );
    }
    const rows = await ledger.rowsOf(id);
    expect(possibleRows(result, rowsIn(phase)), `rows after ${result}`).toContain(rows);
    return { result, applied: rows > 0 };
  } finally {
    await gate.open();
    await driver.close();
    await ground.close();
  }
}

interface Stage {
  readonly ground: Ground;
  readonly gate: Gate;
  readonly driver: Driver;
  readonly stalls: StallMeter;
}

interface Hit {
  readonly result: string;
  readonly lateMs: number;
  readonly lift: Lift;
}

/** Brings the call to its phase, inflicts the fault and waits for what comes of it. */
async function hit({ id, way, fault, phase }: MatrixCell, { ground, gate, driver, stalls }: Stage): Promise<Hit> {
  const [a, b, c] = [`${id}:a`, `${id}:b`, `${id}:c`];
  const options = { timeoutMs: way.timeoutMs ?? TIMEOUT_MS };
  const calls: Record<Phase, () => Promise<unknown>> = {
    connect: () => driver.query(insertRow(a), options),
    idle: () => driver.query(insertRow(a), options),
    "at once": () => driver.query(insertRow(a), options),
    "cold batch": () => driver.batch([insertRow(a), insertRow(b), insertRow(c)], options),
    query: () => driver.query(fault.lurks ? insertRow(a) : insertBehind(gate, a), options),
    batch: () =>
      driver.batch([insertRow(a), fault.lurks ? insertRow(b) : insertBehind(gate, b), insertRow(c)], options),
    commit: () => driver.batch([insertRow(a), insertToCommitBehind(gate, b), insertRow(c)], options),
    close: async () => expect(await within(CLOSE_MS, driver.close()), "close()").toBe("closed"),
  };
  const isCold = phase === "connect" || phase === "cold batch";
  const isUnderWay = !fault.lurks && (phase === "query" || phase === "batch" || phase === "commit");

  if (!isCold) {
    const [row] = await driver.query({ text: "select pg_backend_pid() as pid", params: [] });
    ground.backend = Number(row?.["pid"]);
    ground.line.reset();
  }
  if (isUnderWay) {
    const timed = timing(calls[phase], options.timeoutMs, stalls);
    ground.backend = await Promise.race([gate.visitor(), timed.then(({ result }) => failed(result))]);
    const lift = await fault.inflict(ground, phase);
    return { ...(await timed), lift };
  }
  const lift = await fault.inflict(ground, phase);
  if (phase === "idle") await untilHeard(ground);
  const { result, lateMs } = await timing(calls[phase], options.timeoutMs, stalls);
  return phase === "close" ? { result: "closed", lateMs: 0, lift } : { result, lateMs, lift };
}

async function timing(
  call: () => Promise<unknown>,
  timeoutMs: number,
  stalls: StallMeter,
): Promise<{ result: string; lateMs: number }> {
  const startedAt = performance.now();
  const result = await call().then(() => "ok", resultOf);
  const tookMs = performance.now() - startedAt - stalls.since(startedAt);
  return { result, lateMs: tookMs - timeoutMs * 1.1 - LATENESS_MS };
}

function failed(result: string): never {
  throw new Error(`the call ended before the fault, with ${result}`);
}

/** A fault that the driver can hear of ends its connection. One that it cannot is given a moment. */
async function untilHeard({ line }: Ground): Promise<void> {
  for (let attempt = 0; attempt < 20 && line.connections() > 0; attempt++) await sleep(5);
  await sleep(0);
}

async function untilClosed({ line }: Ground): Promise<void> {
  for (let attempt = 0; attempt < 200 && line.connections() > 0; attempt++) await sleep(10);
}

async function within(ms: number, closing: Promise<void>): Promise<"closed" | "still open"> {
  const abort = new AbortController();
  const late = sleep(ms, "still open" as const, { signal: abort.signal }).catch(() => "still open" as const);
  const outcome = await Promise.race([closing.then(() => "closed" as const), late]);
  abort.abort();
  return outcome;
}

const selectOne = { text: "select 1 as one", params: [] };
