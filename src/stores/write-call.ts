import type { Param, Statement } from "../driver.ts";
import type { StoreContext } from "./store-context.ts";

/** A call of one of the database functions that write, as data: sent as it is, or once for each idempotency key. */
export interface WriteCall {
  /** Its name, without the schema. */
  readonly function: string;
  /** What it answers, as SQL. */
  readonly columns: string;
  /** Those behind the store's name. */
  readonly args: readonly (Param | JsonArgument)[];
}

/** JSON text, or null for none at all. */
export interface JsonArgument {
  readonly json: string | null;
}

/** The idempotency key of a write, and how long it is remembered. */
export interface WriteKey {
  readonly key: string;
  readonly lifeMs: number;
  /** Told apart from calls that are the same in all but this. */
  readonly scope?: string | undefined;
}

type Target = Pick<StoreContext, "store" | "schema">;

/** The statement of a call. */
export function writeStatement({ store, schema }: Target, call: WriteCall): Statement {
  const places = ["$1", ...call.args.map((_, index) => `$${index + 2}`)].join(", ");
  return {
    text: `select ${call.columns} from ${schema}.${call.function}(${places})`,
    params: [store, ...call.args.map((arg) => (isJson(arg) ? arg.json : arg))],
  };
}

/** The statement that makes a call once for its key. Answers `status` and `answer`: the rows of the call. */
export function onceStatement({ store, schema }: Target, call: WriteCall, { key, lifeMs, scope }: WriteKey): Statement {
  // JSON stays JSON: as a text within the text it would grow, and its digest would depend on how it was written.
  const args = call.args.map((arg) => (isJson(arg) ? `[${arg.json ?? ""}]` : JSON.stringify(arg)));
  const items = [JSON.stringify(call.function), ...args, ...(scope === undefined ? [] : [JSON.stringify(scope)])];
  return {
    text: `select status, answer from ${schema}.write_once($1, $2, $3, $4)`,
    params: [store, key, `[${items.join(",")}]`, String(lifeMs)],
  };
}

function isJson(arg: Param | JsonArgument): arg is JsonArgument {
  return typeof arg === "object" && arg !== null;
}
