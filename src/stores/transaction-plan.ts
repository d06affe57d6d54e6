import type { Row } from "../driver.ts";
import { PersistError, ValidationError } from "../errors.ts";
import { exceedsBytes } from "../sql/utf8.ts";
import type { StoreContext } from "./store-context.ts";
import { planAppend } from "./transaction-events.ts";
import { planIncrement, planKvDelete, planSet } from "./transaction-kv.ts";
import type { TransactionOperation } from "./transaction-operation.ts";
import { planCheck, planDelete, planPatch, planPut } from "./transaction-records.ts";
import type { PlanStep, TransactionStep } from "./transaction-step.ts";
import type { WriteCall } from "./write-call.ts";

/** The operations of one store in a transaction, checked, and the call that applies them. */
export interface TransactionPlan {
  readonly call: WriteCall;
  /** JSON text. */
  readonly items: string;
  readonly steps: readonly TransactionStep[];
  /** Number of the first step among those of all stores of the transaction. */
  readonly first: number;
}

/**
 * Checks the operations and makes one call of them.
 *
 * @param what for messages: `transaction: operations`
 * @param first the number of steps in the plans before this one, which count towards the same limits
 * @throws ValidationError
 */
export function planTransaction(
  context: StoreContext,
  operations: readonly TransactionOperation[],
  what: string,
  first = 0,
): TransactionPlan {
  if (!Array.isArray(operations)) throw new ValidationError(`${what} must be an array`);
  if (first + operations.length > MAX_OPERATIONS) {
    throw new ValidationError(
      `${what}: at most ${MAX_OPERATIONS} operations in a transaction; give the rest to another`,
    );
  }
  const steps = Array.from(operations, (operation, part) => planStep(context, operation, `${what}[${part}]`, part));
  const items = `[${steps.map(({ item }, index) => `[${first + index},${item.join(",")}]`).join(",")}]`;
  return { call: transact(items), items, steps, first };
}

/** @throws ValidationError when the plans are more than one call may carry */
export function checkSize(plans: readonly TransactionPlan[]): void {
  const text = plans.map(({ items }) => items).join("");
  if (exceedsBytes(text, MAX_BYTES)) {
    throw new ValidationError(`transaction: more than ${MAX_BYTES} bytes of JSON; give a part of it to another`);
  }
}

/** Tells listeners what was done, and gives the results in the order of the operations. */
export function settleSteps({ steps }: TransactionPlan, rows: readonly Row[]): readonly unknown[] {
  const byPlace = new Map(rows.map((row) => [Number(row["place"]), row]));
  return steps.map((step, index) => {
    const row = byPlace.get(index + 1);
    if (row === undefined) throw new Error("transaction: the database function gave no row for an operation");
    return step.settle(row);
  });
}

/** What a failed call says of its cause: the error of the step that could not be applied, or else the error as it is. */
export function explainFailure(plans: readonly TransactionPlan[], error: unknown): unknown {
  if (!(error instanceof PersistError) || error.sqlstate !== STEP_REFUSED) return error;
  const { detail } = (error.cause ?? {}) as { readonly detail?: unknown };
  // A driver of somebody else's may keep it to itself.
  if (typeof detail !== "string") return error;
  const found = JSON.parse(detail) as Row;
  const part = Number(found["part"]);
  const plan = plans.findLast(({ first }) => first <= part);
  return plan?.steps[part - plan.first]?.refuse(found) ?? error;
}

const MAX_OPERATIONS = 500;
const MAX_BYTES = 8 * 1024 * 1024;

/** What `persist.transact` raises. */
const STEP_REFUSED = "OT002";

function transact(items: string): WriteCall {
  return { function: "transact", columns: "place, status, version, updated_at, value", args: [{ json: items }] };
}

type OperationName = TransactionOperation["op"];
type OperationOf<Name extends OperationName> = Extract<TransactionOperation, { readonly op: Name }>;

const planners: { readonly [Name in OperationName]: PlanStep<OperationOf<Name>> } = {
  put: planPut,
  delete: planDelete,
  patch: planPatch,
  check: planCheck,
  append: planAppend,
  "kv.set": planSet,
  "kv.delete": planKvDelete,
  "kv.increment": planIncrement,
};

const members: { readonly [Name in OperationName]: readonly string[] } = {
  put: ["key", "value", "expectedVersion"],
  delete: ["key", "expectedVersion"],
  patch: ["key", "patch", "expectedVersion"],
  check: ["key", "expectedVersion"],
  append: ["stream", "payload", "payloads", "id", "type", "metadata", "expectedVersion"],
  "kv.set": ["key", "value", "ttl"],
  "kv.delete": ["key"],
  "kv.increment": ["key", "by", "ttl"],
};

function planStep<Name extends OperationName>(
  context: StoreContext,
  operation: OperationOf<Name>,
  where: string,
  part: number,
): TransactionStep {
  const name: unknown = typeof operation === "object" && operation !== null ? operation.op : undefined;
  if (typeof name !== "string" || !Object.hasOwn(planners, name)) {
    throw new ValidationError(`${where} must be { op, … } with op one of ${Object.keys(planners).join(", ")}`);
  }
  // A misspelt expectedVersion would be an expectation that nobody holds.
  const stranger = Object.keys(operation).find((member) => member !== "op" && !members[name as Name].includes(member));
  if (stranger !== undefined) {
    const known = members[name as Name].join(", ");
    throw new ValidationError(`${where}: ${name} has no member of that name; it takes ${known}`);
  }
  return planners[name as Name](context, operation, { what: `${where} (${name})`, part });
}
