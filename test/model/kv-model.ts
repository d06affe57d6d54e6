import { isDeepStrictEqual } from "node:util";
import { byBytes } from "./alphabet.ts";
import { type Outcome, refused } from "./outcome.ts";
import type { Page } from "./record-model.ts";

/** What kv does, in the plainest words. A row stays when its entry is deleted or its life is over, to keep the version. */
export type KvTable = Map<string, KvRow>;

export interface KvRow {
  readonly value: unknown;
  readonly version: number;
  /** `over`: its time has come. */
  readonly life: Life;
  readonly deleted: boolean;
}

export type Life = "for ever" | "long" | "over";

export function setEntry(table: KvTable, key: string, value: unknown, life: Life): Outcome {
  table.set(key, { value, version: (table.get(key)?.version ?? 0) + 1, life, deleted: false });
  return undefined;
}

export function hasEntry(table: KvTable, key: string): boolean {
  const row = table.get(key);
  return row !== undefined && !row.deleted && row.life !== "over";
}

export function getEntry(table: KvTable, key: string): Outcome {
  return hasEntry(table, key) ? table.get(key)?.value : undefined;
}

export function deleteEntry(table: KvTable, key: string): Outcome {
  const row = table.get(key);
  if (row === undefined || !hasEntry(table, key)) return false;
  table.set(key, { value: null, version: row.version + 1, life: "for ever", deleted: true });
  return true;
}

/** Adds to a number, or begins one. An entry that is there keeps its life. */
export function incrementEntry(table: KvTable, key: string, by: number, life: Life): Outcome {
  const row = hasEntry(table, key) ? table.get(key) : undefined;
  const before = row === undefined ? 0 : row.value;
  if (typeof before !== "number") return refused("validation");
  // In decimal: the numbers here have one place behind the point. Adding 0 turns -0 into 0.
  const sum = Math.round((before + by) * 10) / 10 + 0;
  setEntry(table, key, sum, row?.life ?? life);
  return sum;
}

/** `undefined` expects no entry. */
export function compareAndSetEntry(table: KvTable, key: string, expected: unknown, next: unknown, life: Life): Outcome {
  if (!isDeepStrictEqual(getEntry(table, key), expected)) return false;
  setEntry(table, key, next, life);
  return true;
}

/** What is over goes; only where something else was written before does the version stay. */
export function sweepEntries(table: KvTable): Outcome {
  const over = [...table].filter(([, row]) => row.life === "over");
  for (const [key, row] of over) {
    if (row.version === 1) table.delete(key);
    else table.set(key, { value: null, version: row.version, life: "for ever", deleted: true });
  }
  return over.length;
}

export function listEntries(table: KvTable, { prefix = "", after, limit = 100 }: Page): Outcome[] {
  return [...table]
    .filter(([key]) => hasEntry(table, key))
    .filter(([key]) => key.startsWith(prefix) && (after === undefined || byBytes(key, after) > 0))
    .sort(([a], [b]) => byBytes(a, b))
    .slice(0, limit)
    .map(([key, { value, version, life }]) => ({ key, value, version, expires: life === "long" }));
}
