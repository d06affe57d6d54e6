import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { Store } from "../../src/create-store.ts";
import { type EventLog, emptyLog } from "./event-model.ts";
import type { KvTable } from "./kv-model.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import type { RecordTable } from "./record-model.ts";

/** What a store should hold. Plain data, so that it can be copied. */
export interface StoreModel {
  readonly records: RecordTable;
  readonly events: EventLog;
  readonly kv: KvTable;
}

export function emptyModel(): StoreModel {
  return { records: new Map(), events: emptyLog(), kv: new Map() };
}

/** One call of a store, and what it should come to. */
export interface Call {
  /** As it is printed: `records.put("a", 1)`. */
  readonly text: string;
  /** Calls the store. The model is as it was before. */
  send(store: Store, model: StoreModel): Promise<unknown>;
  /** Does the same to the model. What only the database knows, times and new ids, is taken from the answer. */
  apply(model: StoreModel, answer: Outcome): Outcome;
}

/** A call as a command of fast-check: fails when the store's outcome is not the model's. */
export function toCommand(call: Call): fc.AsyncCommand<StoreModel, Store> {
  return {
    check: () => true,
    async run(model, store) {
      const answer = await outcomeOf(call.send(store, model));
      const foretold = call.apply(model, answer);
      if (isDeepStrictEqual(answer, foretold)) return;
      throw new Error(`${call.text} came to ${print(answer)}, and should have come to ${print(foretold)}`);
    },
    toString: () => call.text,
  };
}

/** A call's text from its name and arguments; what is undefined is left out. */
export function textOf(name: string, ...args: readonly unknown[]): string {
  return `${name}(${args
    .filter((arg) => arg !== undefined && !isEmpty(arg))
    .map(print)
    .join(", ")})`;
}

/** Whether an options object says nothing. */
function isEmpty(arg: unknown): boolean {
  return typeof arg === "object" && arg !== null && Object.keys(arg).length === 0 && !Array.isArray(arg);
}

function print(value: unknown): string {
  return value === undefined ? "undefined" : fc.stringify(value);
}
