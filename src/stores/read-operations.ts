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
  "events.list",
  "events.readAll",
  "kv.get",
  "kv.has",
  "kv.list",
  "kv.getMany",
]);
