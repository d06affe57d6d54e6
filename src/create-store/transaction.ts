import type { Store } from "../create-store.ts";
import { type RetryBatchOptions, withRetry } from "../driver/retry.ts";
import type { Driver, Row } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { withMigrations } from "../migrate/with-migrations.ts";
import { againIfIdTaken } from "../stores/id-taken.ts";
import { callOptions, observed } from "../stores/store-context.ts";
import type { OperationResults, Operations } from "../stores/transaction-operation.ts";
import {
  checkSize,
  explainFailure,
  planTransaction,
  settleSteps,
  type TransactionPlan,
} from "../stores/transaction-plan.ts";
import { answerOf, explainReuse, statementOf, type WriteOptions, writeKey } from "../stores/write-once.ts";
import { internalsOf, type StoreInternals } from "./store-internals.ts";

/** The operations of one store in a transaction across several. */
export interface StoreOperations {
  /** Made by `createStore`, with the same driver object as the others. */
  readonly store: Store;
  readonly operations: Operations;
}

/** The results of each store's operations, in the order given. */
export type TransactionResults<Parts extends readonly StoreOperations[] | readonly []> = {
  readonly [Index in keyof Parts]: Parts[Index] extends StoreOperations
    ? OperationResults<Parts[Index]["operations"]>
    : never;
};

/**
 * Several operations of several stores of one database, all or none, as one batch. The same as `store.transaction` in all
 * else; the limits are for all stores together. Each store occurs once.
 *
 * @throws ConflictError when an expectation does not hold; the message names the store, `part` is the index among the
 * operations of that store
 * @throws NotFoundError when there is no record to patch
 * @throws ValidationError when an operation cannot be sent as it is, when the stores do not share one driver object, or when
 * one of them occurs twice
 * @example
 * ```ts
 * const driver = neonHttp(env.DATABASE_URL);
 * const orders = await createStore("orders", { driver });
 * const stock = await createStore("stock", { driver });
 * await transaction([
 *   { store: orders, operations: [{ op: "put", key: "o-1", value: { item: "map" }, expectedVersion: "absent" }] },
 *   { store: stock, operations: [{ op: "kv.increment", key: "map", by: -1 }] },
 * ]);
 * ```
 */
export async function transaction<Parts extends readonly StoreOperations[] | readonly []>(
  parts: Parts,
  options: WriteOptions = {},
): Promise<TransactionResults<Parts>> {
  const plans = planParts(parts);
  const sent = inLockOrder(plans.filter(({ steps }) => steps.length > 0));
  const [first] = sent;
  if (first === undefined) return plans.map(() => []) as unknown as TransactionResults<Parts>;

  const driver = withRetryOf(sent, withMigrationsOf(sent, first.internals.driver));
  const found = writeKey(first.internals.context, "transaction", options);
  // The same operations in another transaction are another write.
  const key = found && { ...found, scope: sent.map(placeOf).join("\n") };
  const statements = sent.map(({ call, internals }) => statementOf(internals.context, call, key));
  const given: RetryBatchOptions = { ...callOptions(options, "transaction"), idempotent: key !== undefined };
  const send = () => observedByAll(sent, () => driver.batch(statements, given));
  try {
    const answers = (await againIfIdTaken(send)).map((rows) => (key ? answerOf(rows, "transaction") : rows));
    const rows = new Map<PartPlan, readonly Row[] | undefined>(sent.map((plan, index) => [plan, answers[index]]));
    return plans.map((plan) => settleSteps(plan, rows.get(plan) ?? [])) as unknown as TransactionResults<Parts>;
  } catch (error) {
    throw explainReuse(explainFailure(plans, error), "transaction");
  }
}

interface PartPlan extends TransactionPlan {
  readonly internals: StoreInternals;
}

function planParts(parts: readonly StoreOperations[]): readonly PartPlan[] {
  if (!Array.isArray(parts)) throw new ValidationError("transaction: parts must be an array of { store, operations }");
  const plans: PartPlan[] = [];
  let first = 0;
  for (const [index, part] of parts.entries()) {
    const internals = internalsOf(part?.store, `transaction: parts[${index}].store`);
    const { context } = internals;
    const what = `transaction: parts[${index}] (store ${JSON.stringify(context.store)}): operations`;
    const plan = planTransaction(context, part.operations, what, first);
    plans.push({ ...plan, internals });
    first += plan.steps.length;
  }
  checkSize(plans);
  checkStores(plans);
  return plans;
}

function checkStores(plans: readonly PartPlan[]): void {
  if (new Set(plans.map(({ internals }) => internals.driver)).size > 1) {
    throw new ValidationError(
      "transaction: the stores have different drivers; make one driver and pass it to createStore for each of them",
    );
  }
  if (new Set(plans.map(placeOf)).size < plans.length) {
    throw new ValidationError("transaction: a store occurs twice; put its operations in one part");
  }
}

/** The same for everybody, so that two transactions cannot wait for each other in a circle. */
function inLockOrder(plans: readonly PartPlan[]): readonly PartPlan[] {
  return plans.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

function placeOf({ internals: { context } }: PartPlan): string {
  return `${context.schema} ${context.store}`;
}

/** Around the driver, the migrations of each schema. */
function withMigrationsOf(plans: readonly PartPlan[], driver: Driver): Driver {
  const bySchema = new Map(plans.map(({ internals }) => [internals.context.schema, internals.migrations]));
  return [...bySchema.values()].reduce((inner, migrations) => withMigrations(inner, migrations), driver);
}

/** As the first store was made; each tells its listeners. */
function withRetryOf(plans: readonly PartPlan[], driver: Driver): Driver {
  const [first] = plans;
  if (!first?.internals.retry) return driver;
  return withRetry(driver, {
    ...first.internals.retry,
    onRetry(attempt) {
      for (const { internals } of plans) {
        internals.context.emit?.({ type: "retry", store: internals.context.store, ...attempt });
      }
    },
  });
}

/** Every store tells its own listeners of the call. */
function observedByAll<T>(plans: readonly PartPlan[], send: () => Promise<T>): Promise<T> {
  const all = plans.reduce(
    (inner, { internals }) =>
      () =>
        observed(internals.context, "transaction", inner),
    send,
  );
  return all();
}
