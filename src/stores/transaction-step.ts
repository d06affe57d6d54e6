import type { Row } from "../driver.ts";
import { PersistError } from "../errors.ts";
import type { StoreContext } from "./store-context.ts";

/** One operation of a transaction, checked and ready to be sent. */
export interface TransactionStep {
  /** What follows the number of the part in its item for `persist.transact`: JSON texts. */
  readonly item: readonly string[];
  /** Tells listeners what was done and gives the operation's result. `row` is what `persist.transact` answers for it. */
  settle(row: Row): unknown;
  /** The error for what stands in its way: `status`, and the `version` that is there or null. */
  refuse(found: Row): PersistError;
}

/** Where an operation stands. */
export interface StepPlace {
  /** For messages: `transaction: operations[3] (put)`. */
  readonly what: string;
  /** Its index among the operations of its store. */
  readonly part: number;
}

/** Checks an operation and makes a step of it. Throws `ValidationError`. */
export type PlanStep<Operation> = (context: StoreContext, operation: Operation, place: StepPlace) => TransactionStep;

/** An item without the number of its part. `json` is JSON text already. */
export function stepItem(op: string, key: string, json = "null", ...more: readonly (string | null)[]): string[] {
  return [JSON.stringify(op), JSON.stringify(key), json, ...more.map((text) => JSON.stringify(text))];
}

/** For a step that the database has no reason to refuse. */
export function stepRefused(what: string): TransactionStep["refuse"] {
  return () =>
    new PersistError("database", `${what}: could not be applied; nothing was written`, { outcome: "rejected" });
}
