import { isDeepStrictEqual } from "node:util";

/** A record or entry of the server, as the model has it. */
export interface ModelRow {
  readonly version: number;
  readonly deleted: boolean;
  readonly value: unknown;
  readonly encoding: string | null;
  readonly expiresAtMs: number | null;
  /** Null for a write that had none: then its time counts. */
  readonly stamp: string | null;
  readonly writtenMs: TimeSpan;
}

/** In milliseconds since 1970: a moment that lies between the two. */
export type TimeSpan = readonly [from: number, to: number];

/** A mutation as it reaches the database. */
export interface PushedMutation {
  readonly id: number;
  readonly op: "put" | "delete" | "merge" | "append" | "kv.set" | "kv.delete" | "reject";
  readonly key: string;
  readonly value?: unknown;
  readonly base?: number;
  /** The least that the state will have. */
  readonly version?: number;
  readonly hlc?: string;
  readonly assumed?: readonly [unknown] | null;
  readonly encoding?: string;
  readonly expiresAt?: string;
  readonly event?: readonly unknown[];
  readonly why?: "invalid" | "too-large" | "scope" | "id-taken";
}

export type Verdict = "write" | "stamp" | "same" | "conflict" | "gone" | "skew" | "rejected";

export const MAX_SKEW_MS = 5 * 60_000;

/** What a mutation comes to. Undefined where the moment within `at` decides. */
export function judge(row: ModelRow | undefined, mutation: PushedMutation, at: TimeSpan): Verdict | undefined {
  const skew = mutation.hlc === undefined ? false : isBefore(at, wallOf(mutation.hlc, -MAX_SKEW_MS));
  if (skew === undefined) return undefined;
  if (skew) return "skew";
  if (row === undefined && mutation.base !== undefined && mutation.base > 0) return "gone";

  // An entry whose life is over counts as it stands there, until it is swept.
  const isLive = row !== undefined && !row.deleted;
  const isLater = mutation.hlc === undefined ? undefined : isStampLater(mutation.hlc, row);
  if (isUnchanged(row, mutation, isLive)) {
    if (row === undefined || mutation.hlc === undefined) return "same";
    return isLater === undefined ? undefined : isLater ? "stamp" : "same";
  }
  if (mutation.hlc !== undefined) {
    return isLater === undefined ? undefined : isLater ? "write" : "conflict";
  }
  return isAllowed(row, mutation, isLive) ? "write" : "conflict";
}

/** The row after a mutation that was applied. */
export function written(
  row: ModelRow | undefined,
  mutation: PushedMutation,
  verdict: "write" | "stamp",
  at: TimeSpan,
): ModelRow {
  if (verdict === "stamp" && row !== undefined) return { ...row, stamp: mutation.hlc ?? row.stamp };
  const deleted = mutation.op === "delete" || mutation.op === "kv.delete";
  const isLive = row !== undefined && !row.deleted;
  const value = mutation.op === "merge" ? mergePatch(isLive ? row.value : undefined, mutation.value) : mutation.value;
  return {
    version: Math.max((row?.version ?? 0) + 1, mutation.version ?? 1),
    deleted,
    value: deleted ? null : value,
    encoding: mutation.encoding ?? null,
    expiresAtMs: mutation.expiresAt === undefined ? null : Date.parse(mutation.expiresAt),
    stamp: mutation.hlc ?? null,
    writtenMs: at,
  };
}

function isUnchanged(row: ModelRow | undefined, mutation: PushedMutation, isLive: boolean): boolean {
  if (mutation.op === "delete" || mutation.op === "kv.delete") return !isLive;
  if (row === undefined || !isLive) return false;
  const value = mutation.op === "merge" ? mergePatch(row.value, mutation.value) : mutation.value;
  return (
    isDeepStrictEqual(value, row.value) &&
    (mutation.encoding ?? null) === row.encoding &&
    (mutation.expiresAt === undefined ? null : Date.parse(mutation.expiresAt)) === row.expiresAtMs
  );
}

function isAllowed(row: ModelRow | undefined, mutation: PushedMutation, isLive: boolean): boolean {
  if (mutation.assumed !== undefined) {
    if (!isLive || row === undefined) return mutation.assumed === null;
    return mutation.assumed !== null && isDeepStrictEqual(mutation.assumed[0], row.value);
  }
  if (mutation.base !== undefined) return mutation.base === (row?.version ?? 0);
  return mutation.op !== "merge" || isLive || row === undefined;
}

function isStampLater(hlc: string, row: ModelRow | undefined): boolean | undefined {
  if (row === undefined) return true;
  if (row.stamp !== null) return Buffer.compare(Buffer.from(hlc), Buffer.from(row.stamp)) > 0;
  const [from, to] = row.writtenMs;
  const wall = Number(hlc.slice(0, 15));
  if (wall > to) return true;
  if (wall < from) return false;
  // Of the same millisecond, a stamp with a node is later than one without.
  return from === to ? true : undefined;
}

function wallOf(hlc: string, plusMs: number): TimeSpan {
  const wall = Number(hlc.slice(0, 15)) + plusMs;
  return [wall, wall];
}

/** Undefined when they overlap. */
function isBefore([firstFrom, firstTo]: TimeSpan, [secondFrom, secondTo]: TimeSpan): boolean | undefined {
  if (firstTo < secondFrom) return true;
  return firstFrom > secondTo ? false : undefined;
}

/** RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
