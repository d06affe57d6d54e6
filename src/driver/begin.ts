import type { BatchOptions, IsolationLevel } from "../driver.ts";

/** The statement that opens a batch. A fixed set of texts: a BEGIN that fails would let the rest commit one by one. */
export function beginText(options: BatchOptions | undefined): string {
  return `begin isolation level ${isolationOf(options)}, ${options?.readOnly ? "read only" : "read write"}`;
}

/** `read committed` unless asked otherwise; a value that is not of the union is not sent. */
export function isolationOf(options: BatchOptions | undefined): IsolationLevel {
  const isolation = options?.isolation;
  return isolation === "serializable" || isolation === "repeatable read" ? isolation : "read committed";
}
