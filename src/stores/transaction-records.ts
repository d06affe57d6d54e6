import { NotFoundError, ValidationError } from "../errors.ts";
import { DEFAULT_MAX_VALUE_BYTES, toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { toExpected } from "./expected-version.ts";
import { toRecord } from "./record.ts";
import { recordConflict } from "./record-conflict.ts";
import { toPatchJson } from "./record-patch.ts";
import type { CheckOperation, DeleteOperation, PatchOperation, PutOperation } from "./transaction-operation.ts";
import { type PlanStep, stepItem } from "./transaction-step.ts";

export const planPut: PlanStep<PutOperation> = (context, { key, value, expectedVersion }, { what, part }) => {
  checkKey(key, `${what}.key`);
  const expected = toExpected(expectedVersion, what);
  const json = toJson(value, `${what}.value`, context.maxValueBytes);
  return {
    item: stepItem("put", key, json, expected),
    settle(row) {
      context.emit?.({ type: "record:put", store: context.store, key, version: Number(row["version"]) });
      // What the text says and not the caller's object: the same that a later read gives.
      return toRecord({ ...row, key, value: JSON.parse(json) });
    },
    refuse: (found) => recordConflict(context, { what, key, expected: expectedVersion, part }, found),
  };
};

export const planDelete: PlanStep<DeleteOperation> = (context, { key, expectedVersion }, { what, part }) => {
  checkKey(key, `${what}.key`);
  const expected = toExpected(expectedVersion, what);
  if (expected === "absent") throw new ValidationError(`${what}: what is expected to be absent needs no delete`);
  return {
    item: stepItem("delete", key, "null", expected),
    settle(row) {
      if (row["status"] === "absent") return false;
      context.emit?.({ type: "record:delete", store: context.store, key });
      return true;
    },
    refuse: (found) => recordConflict(context, { what, key, expected: expectedVersion, part }, found),
  };
};

export const planPatch: PlanStep<PatchOperation> = (context, { key, patch, expectedVersion }, { what, part }) => {
  const { store, emit, maxValueBytes = DEFAULT_MAX_VALUE_BYTES } = context;
  checkKey(key, `${what}.key`);
  const expected = toExpected(expectedVersion, what);
  if (expected === "absent") throw new ValidationError(`${what}: what is expected to be absent needs a put`);
  const json = toPatchJson(patch, `${what}.patch`, maxValueBytes);
  return {
    item: stepItem("patch", key, json, expected, String(maxValueBytes)),
    settle(row) {
      if (row["status"] === "applied") emit?.({ type: "record:put", store, key, version: Number(row["version"]) });
      return toRecord({ ...row, key });
    },
    refuse(found) {
      if (found["status"] === "absent") {
        return new NotFoundError(`${what}: no record with this key, nothing was written; use put to create it`);
      }
      if (found["status"] === "too-large") {
        const message = `${what}: the result would be larger than ${maxValueBytes} bytes as JSON; nothing was written`;
        return new ValidationError(message, { outcome: "rejected" });
      }
      return recordConflict(context, { what, key, expected: expectedVersion, part }, found);
    },
  };
};

export const planCheck: PlanStep<CheckOperation> = (context, { key, expectedVersion }, { what, part }) => {
  checkKey(key, `${what}.key`);
  const expected = toExpected(expectedVersion, what);
  if (expected === null) throw new ValidationError(`${what}: a check needs an expectedVersion`);
  return {
    item: stepItem("check", key, "null", expected),
    settle: () => undefined,
    refuse: (found) => recordConflict(context, { what, key, expected: expectedVersion, part }, found),
  };
};
