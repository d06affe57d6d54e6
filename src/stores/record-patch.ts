import { NotFoundError, ValidationError } from "../errors.ts";
import { DEFAULT_MAX_VALUE_BYTES, toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { type ExpectedVersion, toExpected } from "./expected-version.ts";
import { type StoredRecord, toRecord } from "./record.ts";
import { recordConflict } from "./record-conflict.ts";
import { patchRecord } from "./record-statements.ts";
import { onlyRow, type StoreContext } from "./store-context.ts";
import { runWrite, type WriteOptions } from "./write-once.ts";

/**
 * A merge patch for a `T` (RFC 7396): the members to change, null for those to remove. Arrays are replaced as a whole, and so
 * is everything by a patch that is no object.
 */
export type MergePatch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Name in keyof T]?: MergePatch<T[Name]> | null }
    : T;

export interface PatchOptions extends WriteOptions {
  readonly expectedVersion?: Exclude<ExpectedVersion, "absent"> | undefined;
}

/** Merges patches into the records of a store. */
export function recordPatch(context: StoreContext) {
  return async function patch<T = unknown>(
    key: string,
    mergePatch: MergePatch<T>,
    options: PatchOptions = {},
  ): Promise<StoredRecord<T>> {
    const { store, emit, maxValueBytes = DEFAULT_MAX_VALUE_BYTES } = context;
    checkKey(key, "records.patch: key");
    const expected = toExpected(options.expectedVersion, "records.patch");
    if (expected === "absent") throw new ValidationError("records.patch: what is expected to be absent needs a put");
    const json = toPatchJson(mergePatch, "records.patch: patch", maxValueBytes);

    const call = patchRecord({ key, json, expected, maxBytes: maxValueBytes });
    const row = onlyRow(await runWrite(context, "records.patch", call, options), "records.patch");
    switch (row["status"]) {
      case "absent":
        throw new NotFoundError("records.patch: no record with this key; use put() to create it");
      case "conflict":
        throw recordConflict(context, { what: "records.patch", key, expected: options.expectedVersion }, row);
      case "too-large":
        throw new ValidationError(
          `records.patch: the result would be larger than ${maxValueBytes} bytes as JSON; nothing was written`,
          { outcome: "rejected" },
        );
      case "applied":
        emit?.({ type: "record:put", store, key, version: Number(row["version"]) });
    }
    return toRecord({ ...row, key });
  };
}

/** Each level is a call within the database; some hundred of them end at the stack of the smallest, PGlite's. */
const MAX_DEPTH = 64;

/** @throws ValidationError when the patch is no JSON, too large, or nested deeper than the database merges */
export function toPatchJson(patch: unknown, what: string, maxBytes: number): string {
  const json = toJson(patch, what, maxBytes);
  checkPatchDepth(JSON.parse(json), what);
  return json;
}

/**
 * Only objects in objects count: anything else replaces what is there as a whole.
 *
 * @param patch read from JSON
 * @throws ValidationError when it is nested deeper than the database merges
 */
export function checkPatchDepth(patch: unknown, what: string, levels = MAX_DEPTH): void {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return;
  if (levels === 0) throw new ValidationError(`${what} is nested deeper than ${MAX_DEPTH} levels; put the whole value`);
  for (const member of Object.values(patch)) checkPatchDepth(member, what, levels - 1);
}
