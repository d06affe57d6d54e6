import type { AppendOptions } from "./events.ts";
import type { ExpectedVersion } from "./expected-version.ts";
import type { StoredRecord } from "./record.ts";
import type { StoredEvent } from "./stored-event.ts";

/** One step of a transaction: what the method of that name does, as data. Other members than these are refused. */
export type TransactionOperation =
  | PutOperation
  | DeleteOperation
  | PatchOperation
  | CheckOperation
  | AppendOperation
  | KvSetOperation
  | KvDeleteOperation
  | KvIncrementOperation;

export interface PutOperation {
  readonly op: "put";
  readonly key: string;
  readonly value: unknown;
  readonly expectedVersion?: ExpectedVersion | undefined;
}

export interface DeleteOperation {
  readonly op: "delete";
  readonly key: string;
  readonly expectedVersion?: Exclude<ExpectedVersion, "absent"> | undefined;
}

/** A merge patch (RFC 7396). Where there is no record the transaction fails. */
export interface PatchOperation {
  readonly op: "patch";
  readonly key: string;
  readonly patch: unknown;
  readonly expectedVersion?: Exclude<ExpectedVersion, "absent"> | undefined;
}

/**
 * Writes nothing: the transaction goes through only if the record is as expected, and nobody changes it before the rest is
 * committed.
 */
export interface CheckOperation {
  readonly op: "check";
  readonly key: string;
  readonly expectedVersion: ExpectedVersion;
}

/** One `payload`, or several `payloads` with consecutive versions. */
export type AppendOperation = AppendOne | AppendMany;

interface AppendBase extends Pick<AppendOptions, "id" | "type" | "metadata" | "expectedVersion"> {
  readonly op: "append";
  readonly stream: string;
}

interface AppendOne extends AppendBase {
  readonly payload: unknown;
  readonly payloads?: undefined;
}

interface AppendMany extends AppendBase {
  readonly payloads: readonly unknown[];
  readonly payload?: undefined;
}

export interface KvSetOperation {
  readonly op: "kv.set";
  readonly key: string;
  readonly value: unknown;
  /** Life in milliseconds. */
  readonly ttl?: number | undefined;
}

export interface KvDeleteOperation {
  readonly op: "kv.delete";
  readonly key: string;
}

export interface KvIncrementOperation {
  readonly op: "kv.increment";
  readonly key: string;
  /** Default 1. */
  readonly by?: number | undefined;
  /** Life in milliseconds of an entry that begins here. */
  readonly ttl?: number | undefined;
}

/** What one operation gives: the same as the method of that name; `undefined` for `check` and `kv.set`. */
export type OperationResult<Operation extends TransactionOperation> = Operation extends {
  op: "put";
  value: infer Value;
}
  ? StoredRecord<Value>
  : Operation extends { op: "patch" }
    ? StoredRecord
    : Operation extends { op: "delete" | "kv.delete" }
      ? boolean
      : Operation extends { op: "append"; payloads: readonly (infer Payload)[] }
        ? readonly StoredEvent<Payload>[]
        : Operation extends { op: "append"; payload: infer Payload }
          ? StoredEvent<Payload>
          : Operation extends { op: "kv.increment" }
            ? number
            : undefined;

/** A list that is inferred as a tuple, so that each result has the type of its operation. */
export type Operations = readonly TransactionOperation[] | readonly [];

/** The results of a list of operations, in its order. */
export type OperationResults<List extends Operations> = {
  readonly [Index in keyof List]: List[Index] extends TransactionOperation ? OperationResult<List[Index]> : never;
};
