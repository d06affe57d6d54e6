import { toJson } from "../sql/json.ts";
import type { Meeting } from "./device.ts";
import { compareHlc, hlcOfTime } from "./hlc.ts";
import { sameJson, threeWayMerge } from "./three-way-merge.ts";

/**
 * Who wins when a record was changed on both sides. Entries of the kv store are always decided by the later stamp, and events
 * never meet.
 *
 * | strategy | |
 * |---|---|
 * | none | the remote's state; the edit is kept as a dead letter |
 * | `last-write-wins` | the later stamp of a hybrid logical clock; equal stamps by who wrote |
 * | `merge` | what {@link Merge} makes of both; without one, what changed here applied to what is there (RFC 7396), and an edit over a deletion |
 * | `manual` | nobody, until `records.resolve` |
 *
 * What the remote has lost every trace of does not come back under any of them: the edit becomes a dead letter. Nor does what nobody
 * has edited here come back where it was deleted there.
 */
export type Strategy = "last-write-wins" | "merge" | "manual";

/**
 * Makes one value of two. Called on whichever side syncs, so it must depend on nothing but its argument. Undefined, as an
 * argument and as the result, is a deleted record; `base` is undefined too when it is not known. What it throws leaves the
 * record to be decided by hand.
 */
export type Merge = (sides: MergeSides) => unknown;

export interface MergeSides {
  readonly key: string;
  /** What both sides began with. */
  readonly base: unknown;
  readonly local: unknown;
  readonly remote: unknown;
}

export type Decision =
  | { readonly choice: "local" }
  /** With a reason, the edit becomes a dead letter. */
  | { readonly choice: "remote"; readonly reason?: "conflict" | "gone" }
  /** JSON; undefined for a deletion. */
  | { readonly choice: "value"; readonly value: unknown }
  | { readonly choice: "manual"; readonly error?: unknown };

export interface DecideOptions {
  readonly strategy: Strategy | undefined;
  readonly merge: Merge | undefined;
  readonly maxValueBytes: number | undefined;
}

/** Decides what becomes of one edit that has met a change. */
export function decide(meeting: Meeting, options: DecideOptions): Decision {
  const { kind, theirs } = meeting;
  if (theirs.gone) return { choice: "remote", reason: "gone" };
  if (kind === "kv") return byStamp(meeting);
  switch (options.strategy) {
    case "last-write-wins":
      return byStamp(meeting);
    case "merge":
      return byMerge(meeting, options);
    case "manual":
      return { choice: "manual" };
    case undefined:
      return byVersion(meeting);
  }
}

/** The remote's value, undefined when it is deleted there. */
export function remoteValueOf({ theirs }: Meeting): unknown {
  return theirs.deleted ? undefined : theirs.value;
}

/** A record that was made here where another one was deleted long ago loses nobody's work. */
function byVersion({ baseVersion, isEdit, theirs }: Meeting): Decision {
  return isEdit && theirs.deleted && baseVersion === 0 ? { choice: "local" } : { choice: "remote", reason: "conflict" };
}

function byStamp({ localHlc, theirs }: Meeting): Decision {
  const theirHlc = theirs.hlc ?? (theirs.updatedAt === undefined ? undefined : hlcOfTime(theirs.updatedAt));
  const isLater = theirHlc !== undefined && compareHlc(localHlc, theirHlc) > 0;
  return { choice: isLater ? "local" : "remote" };
}

function byMerge(meeting: Meeting, { merge = mergeSides, maxValueBytes }: DecideOptions): Decision {
  const { key, base, local, isEdit, theirs } = meeting;
  if (theirs.deleted && !isEdit) return { choice: "remote", reason: "conflict" };
  const remote = remoteValueOf(meeting);
  try {
    // Copies: what a function does to its arguments must not decide what they are compared with.
    const merged = merge(structuredClone({ key, base, local, remote }));
    const value = merged === undefined ? undefined : JSON.parse(toJson(merged, "merge: result", maxValueBytes));
    if (sameJson(value, remote)) return { choice: "remote" };
    if (sameJson(value, local)) return { choice: "local" };
    return { choice: "value", value };
  } catch (error) {
    return { choice: "manual", error };
  }
}

function mergeSides({ base, local, remote }: MergeSides): unknown {
  if (local === undefined) return remote;
  return remote === undefined ? local : threeWayMerge(base, local, remote);
}
