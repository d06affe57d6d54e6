/**
 * The operations that only read: with `batchReads` those of one tick travel together. The names are those that
 * `runStatement` is given. What is missing here travels alone, and to the primary; a batch of reads is read-only, so a write would
 * fail there.
 */
export const readOperations: ReadonlySet<string> = new Set([
  "records.get",
  "records.find",
  "records.list",
  "records.getMany",
  "records.search",
  "events.list",
  "events.readAll",
  "kv.get",
  "kv.has",
  "kv.list",
  "kv.getMany",
]);

/** Reads of what has no place in the feed, by which a replica could tell that it is behind: settling a conflict moves no clock. */
const primaryReads: ReadonlySet<string> = new Set(["records.conflicts", "token"]);

/** Those that may be sent again though an answer was lost: an append carries the ids of its events. */
export const repeatableOperations: ReadonlySet<string> = new Set([...readOperations, ...primaryReads, "events.append"]);

/** Whether an operation leaves everything as it is, wherever it is sent. */
export function isRead(operation: string): boolean {
  return readOperations.has(operation) || primaryReads.has(operation) || operation === "sql";
}
