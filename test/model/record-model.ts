import { isDeepStrictEqual } from "node:util";
import { byBytes, holds } from "./alphabet.ts";
import { conflict, type Outcome, refused } from "./outcome.ts";

/** What records do, in the plainest words. A row stays when its record is deleted, to keep the version. */
export type RecordTable = Map<string, { value: unknown; version: number; deleted: boolean }>;

export type Expected = number | "absent" | "present" | undefined;

export interface Page {
  readonly prefix?: string;
  readonly after?: string;
  readonly limit?: number;
}

export function currentVersion(table: RecordTable, key: string): number {
  const row = table.get(key);
  return row === undefined || row.deleted ? 0 : row.version;
}

export function putRecord(table: RecordTable, key: string, value: unknown, expected: Expected): Outcome {
  const current = currentVersion(table, key);
  if (!holds(expected, current)) return conflict(current);
  const version = (table.get(key)?.version ?? 0) + 1;
  table.set(key, { value, version, deleted: false });
  return { key, value, version };
}

export function findRecord(table: RecordTable, key: string): Outcome {
  const row = table.get(key);
  return row === undefined || row.deleted ? undefined : { key, value: row.value, version: row.version };
}

export function getRecord(table: RecordTable, key: string): Outcome {
  return findRecord(table, key) ?? refused("not-found");
}

export function deleteRecord(table: RecordTable, key: string, expected: Expected): Outcome {
  if (expected === "absent" || expected === 0) return refused("validation");
  const current = currentVersion(table, key);
  if (!holds(expected, current)) return conflict(current);
  if (current === 0) return false;
  table.set(key, { value: null, version: current + 1, deleted: true });
  return true;
}

/** A merge patch as RFC 7396 says. One that makes no difference writes nothing. */
export function patchRecord(table: RecordTable, key: string, patch: unknown, expected: Expected): Outcome {
  if (expected === "absent" || expected === 0) return refused("validation");
  const current = currentVersion(table, key);
  if (expected === undefined && current === 0) return refused("not-found");
  if (!holds(expected, current)) return conflict(current);
  const before = table.get(key)?.value;
  const after = merge(before, patch);
  return isDeepStrictEqual(before, after) ? findRecord(table, key) : putRecord(table, key, after, undefined);
}

/** All or none. Expectations are held against what was there before; of several entries with one key the last is written. */
export function putRecords(table: RecordTable, entries: readonly EntryToPut[]): Outcome {
  const failed = entries.findIndex(({ key, expected }) => !holds(expected, currentVersion(table, key)));
  const inTheWay = entries[failed];
  if (inTheWay !== undefined) return conflict(currentVersion(table, inTheWay.key), failed);
  const last = new Map(entries.map(({ key, value }) => [key, value]));
  for (const [key, value] of last) putRecord(table, key, value, undefined);
  return entries.map(({ key }) => findRecord(table, key));
}

export interface EntryToPut {
  readonly key: string;
  readonly value: unknown;
  readonly expected: Expected;
}

export function deleteRecords(table: RecordTable, keys: readonly string[]): Outcome {
  return keys.filter((key) => deleteRecord(table, key, undefined) === true).length;
}

export function listRecords(table: RecordTable, page: Page & { readonly filter?: object }): Outcome[] {
  const { prefix = "", after, limit = 100, filter } = page;
  return [...table.keys()]
    .filter((key) => currentVersion(table, key) > 0)
    .filter((key) => filter === undefined || contains(table.get(key)?.value, filter))
    .filter((key) => key.startsWith(prefix) && (after === undefined || byBytes(key, after) > 0))
    .sort(byBytes)
    .slice(0, limit)
    .map((key) => findRecord(table, key));
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value);
  }
  return merged;
}

/** Whether a value contains another, as PostgreSQL's `@>` has it. */
function contains(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return Array.isArray(value) && wanted.every((item) => value.some((there) => contains(there, item)));
  }
  if (!isObject(wanted)) return value === wanted;
  return (
    isObject(value) && Object.entries(wanted).every(([name, item]) => name in value && contains(value[name], item))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
