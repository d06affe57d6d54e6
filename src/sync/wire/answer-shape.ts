import type { ChangePage, FeedHead, Mutation, MutationResult, PushResult } from "../replica.ts";
import { isChange } from "./change-shape.ts";

/** A page, without members that the protocol does not name. Undefined when it is none. */
export function toChangePage(content: unknown): ChangePage | undefined {
  if (!isObject(content)) return undefined;
  const { changes, cursor, more, head, lastMutation } = content;
  if (!Array.isArray(changes) || !changes.every(isChange)) return undefined;
  if (typeof cursor !== "string" || cursor === "" || typeof more !== "boolean" || typeof head !== "string")
    return undefined;
  if (lastMutation === undefined) return { changes, cursor, more, head };
  return isCount(lastMutation) ? { changes, cursor, more, head, lastMutation } : undefined;
}

/** The results of a batch: one for each mutation, in order. Undefined when they are none, or of another batch. */
export function toPushResult(content: unknown, mutations: readonly Mutation[]): PushResult | undefined {
  if (!isObject(content)) return undefined;
  const { results, lastMutation, head } = content;
  if (!Array.isArray(results) || results.length !== mutations.length) return undefined;
  if (!results.every((result, index) => isResult(result) && result.id === mutations[index]?.id)) return undefined;
  return isCount(lastMutation) && typeof head === "string" ? { results, lastMutation, head } : undefined;
}

export function isFeedPlace(content: unknown): content is Pick<FeedHead, "head" | "epoch"> {
  if (!isObject(content)) return false;
  const { head, epoch } = content;
  return typeof head === "string" && (epoch === null || typeof epoch === "string");
}

export function isFeedHead(content: unknown): content is FeedHead {
  return isFeedPlace(content) && "serverTime" in content && typeof content.serverTime === "string";
}

const statuses: ReadonlySet<unknown> = new Set(["applied", "duplicate", "conflict", "gone", "rejected", "skew"]);

function isResult(value: unknown): value is MutationResult {
  if (!isObject(value)) return false;
  const { id, status, version, seq, current } = value;
  return (
    isCount(id) &&
    statuses.has(status) &&
    (version === undefined || isCount(version)) &&
    (seq === undefined || typeof seq === "string") &&
    (current === undefined || isCurrent(current))
  );
}

function isCurrent(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { key, version, deleted } = value;
  return typeof key === "string" && isCount(version) && typeof deleted === "boolean";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
