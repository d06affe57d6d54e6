import { againIfIdTaken } from "./id-taken.ts";
import type { StoreContext } from "./store-context.ts";
import type { OperationResults, Operations } from "./transaction-operation.ts";
import { checkSize, explainFailure, planTransaction, settleSteps } from "./transaction-plan.ts";
import { runWrite, type WriteOptions } from "./write-once.ts";

/**
 * Several operations of one store, all or none, in one round trip. Resolves to their results, in the order of the operations;
 * an empty list sends nothing. At most 500 operations, and 8 MiB of JSON.
 *
 * Operations on one key are applied in the order given; those on different keys in an order that keeps transactions from
 * waiting for each other in a circle. Listeners are told once everything is committed.
 *
 * @throws ConflictError when an `expectedVersion` does not hold, or an event's id belongs to another event; `part` is the
 * index of the operation and `currentVersion` what is there. Nothing was written then
 * @throws NotFoundError when there is no record to patch; nothing was written
 * @throws ValidationError when an operation cannot be sent as it is, or, with outcome `rejected`, when only the database could
 * tell
 * @example
 * ```ts
 * const [account] = await store.transaction([
 *   { op: "put", key: "account/ada", value: { balance: 90 }, expectedVersion: 4 },
 *   { op: "append", stream: "ledger", payload: { from: "ada", amount: 10 } },
 *   { op: "kv.delete", key: "cache/ada" },
 * ]);
 * account.version; // 5
 * ```
 */
export type StoreTransaction = <List extends Operations>(
  operations: List,
  options?: WriteOptions,
) => Promise<OperationResults<List>>;

/** The transactions of one store. */
export function storeTransaction(context: StoreContext): StoreTransaction {
  return async <List extends Operations>(operations: List, options?: WriteOptions) => {
    const plan = planTransaction(context, operations, "transaction: operations");
    checkSize([plan]);
    if (plan.steps.length === 0) return [] as unknown as OperationResults<List>;
    try {
      const rows = await againIfIdTaken(() => runWrite(context, "transaction", plan.call, options));
      return settleSteps(plan, rows) as OperationResults<List>;
    } catch (error) {
      throw explainFailure([plan], error);
    }
  };
}
