import { ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { checkSummand } from "./kv-conditional.ts";
import { checkTtl, encodeValue } from "./kv-value.ts";
import type { KvDeleteOperation, KvIncrementOperation, KvSetOperation } from "./transaction-operation.ts";
import { type PlanStep, stepItem, stepRefused } from "./transaction-step.ts";

export const planSet: PlanStep<KvSetOperation> = (context, { key, value, ttl }, { what }) => {
  checkKey(key, `${what}.key`);
  const { json, encoding } = encodeValue(value, `${what}.value`, context.maxValueBytes);
  return {
    item: stepItem("kv.set", key, json, null, encoding, toMs(ttl, what)),
    settle() {
      context.emit?.({ type: "kv:set", store: context.store, key });
      return undefined;
    },
    refuse: stepRefused(what),
  };
};

export const planKvDelete: PlanStep<KvDeleteOperation> = (context, { key }, { what }) => {
  checkKey(key, `${what}.key`);
  return {
    item: stepItem("kv.delete", key),
    settle(row) {
      if (row["status"] !== "applied") return false;
      context.emit?.({ type: "kv:delete", store: context.store, key });
      return true;
    },
    refuse: stepRefused(what),
  };
};

export const planIncrement: PlanStep<KvIncrementOperation> = (context, { key, by = 1, ttl }, { what }) => {
  checkKey(key, `${what}.key`);
  const summand = checkSummand(by, what);
  return {
    item: stepItem("kv.increment", key, JSON.stringify(summand), null, toMs(ttl, what)),
    settle(row) {
      context.emit?.({ type: "kv:set", store: context.store, key });
      return Number(row["value"]);
    },
    refuse: (found) =>
      new ValidationError(
        found["status"] === "out-of-range"
          ? `${what}: the sum would go beyond 2^53 - 1, where numbers are not exact; nothing was written`
          : `${what}: the value is not a number; nothing was written, set one or delete the entry`,
        { outcome: "rejected" },
      ),
  };
};

function toMs(ttl: number | undefined, what: string): string | null {
  const ms = checkTtl(ttl, what);
  return ms === null ? null : String(ms);
}
