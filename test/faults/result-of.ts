import { PersistError } from "../../src/errors.ts";

/** The error of a call as the matrix writes it. Anything but our own error is a failure of the cell. */
export function resultOf(error: unknown): string {
  if (error instanceof PersistError) return `${error.code}/${error.outcome}`;
  throw error;
}
