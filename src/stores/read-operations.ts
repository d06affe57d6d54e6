/**
 * The operations that only read: with `batchReads` those of one tick travel together. The names are those that
 * `runStatement` is given. What is missing here travels alone; a batch of reads is read-only, so a write would fail there.
 */
export const readOperations: ReadonlySet<string> = new Set([
  "records.get",
  "records.find",
  "records.list",
  "records.getMany",
  "records.search",
  "records.conflicts",
  "events.list",
  "events.readAll",
  "kv.get",
  "kv.has",
  "kv.list",
  "kv.getMany",
]);

/** Those that may be sent again though an answer was lost: an append carries the ids of its events. */
export const repeatableOperations: ReadonlySet<string> = new Set([...readOperations, "token", "events.append"]);

/** Whether an operation leaves everything as it is, wherever it is sent. */
export function isRead(operation: string): boolean {
  return readOperations.has(operation) || operation === "sql" || operation === "token";
}
