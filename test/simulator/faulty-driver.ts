import { serverError } from "../../src/driver/server-error.ts";
import type { Driver } from "../../src/driver.ts";
import { ConnectionError } from "../../src/errors.ts";
import type { Dice } from "./dice.ts";

/** Whose statements they are: those of a device, or those of the worker that stands before the server's store. */
export type Side = "client" | "worker";

/** A process has ended. Nothing that it had in memory is used any more. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/**
 * A driver on which statements fail. A client that crashes on it is over: every later call fails too. A worker is there again for
 * the next request.
 */
export function faultyDriver(inner: Driver, dice: Dice, side: Side): Driver {
  const before = [
    ...refusals,
    side === "client" ? ("client crash before a statement" as const) : ("worker crash before the statement" as const),
  ];
  const after =
    side === "client"
      ? ("client crash between apply and acknowledge" as const)
      : ("worker crash after the statement" as const);
  let isOver = false;

  function crash(fault: Parameters<Dice["happened"]>[0]): Error {
    dice.happened(fault);
    if (side === "worker") return new ConnectionError("the worker ended", { outcome: "unknown" });
    isOver = true;
    return new Crash(fault);
  }

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (isOver) throw new Crash("the client has crashed before");
    const fault = dice.roll(PROBABILITY[side], [...before, after]);
    if (fault === undefined) return work();
    const sqlstate = sqlstates[fault];
    if (sqlstate !== undefined) {
      dice.happened(fault);
      throw serverError({ code: sqlstate, message: "injected" }, sqlstate === "53300" ? "connect" : "batch");
    }
    if (fault !== after) throw crash(fault);
    const result = await work();
    throw result === undefined ? new Error("a statement has no result") : crash(fault);
  }

  return {
    name: inner.name,
    query: (statement, options) => run(() => inner.query(statement, options)),
    batch: (statements, options) => run(() => inner.batch(statements, options)),
    close: async () => undefined,
  };
}

const PROBABILITY = { client: 0.04, worker: 0.06 } as const;

const sqlstates: Readonly<Record<string, string>> = {
  "serialization failure 40001": "40001",
  "deadlock 40P01": "40P01",
  "lock timeout 55P03": "55P03",
  "statement timeout 57014": "57014",
  "connections exhausted": "53300",
};

const refusals = [
  "serialization failure 40001",
  "deadlock 40P01",
  "lock timeout 55P03",
  "statement timeout 57014",
  "connections exhausted",
] as const;
