import type { Row } from "../driver.ts";
import { ConflictError } from "../errors.ts";
import type { ExpectedVersion } from "./expected-version.ts";
import type { StoreContext } from "./store-context.ts";

/** The write that an expectation stopped. */
export interface RefusedWrite {
  /** The call, for the message: `records.put`, `records.putMany: entries[3]`. */
  readonly what: string;
  readonly key: string;
  readonly expected: ExpectedVersion | undefined;
  /** Its index in a bulk write. */
  readonly part?: number | undefined;
}

/** Tells listeners of a conflict, and gives the error to throw. `row` holds the `version` that is there, or null. */
export function recordConflict({ store, emit }: StoreContext, write: RefusedWrite, row: Row): ConflictError {
  const { what, key, expected, part } = write;
  const currentVersion = Number(row["version"] ?? 0);
  emit?.({ type: "record:conflict", store, key, currentVersion });
  const found = currentVersion === 0 ? "there is no such record" : `the record is at version ${currentVersion}`;
  const message = `${what}: ${found}, expected ${expected}; nothing was written, read it again`;
  return new ConflictError(message, { currentVersion, part });
}
