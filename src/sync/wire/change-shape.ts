import type { Change } from "../replica.ts";

/**
 * Whether something that came over the wire is a change. A kind that this version does not know is none: to pass over it would
 * be to lose it.
 */
export function isChange(value: unknown): value is Change {
  if (typeof value !== "object" || value === null) return false;
  const change = value as Readonly<Record<string, unknown>>;
  if (!isText(change["seq"]) || !isVersion(change["version"])) return false;
  switch (change["kind"]) {
    case "record":
      return isState(change) && isAuthor(change["by"]);
    case "kv":
      return (
        isState(change) &&
        isTextOrAbsent(change["expiresAt"]) &&
        ["base64", undefined].some((known) => known === change["encoding"])
      );
    case "event":
      return isEvent(change);
    default:
      return false;
  }
}

function isState({ key, deleted, updatedAt, hlc, ...rest }: Readonly<Record<string, unknown>>): boolean {
  const hasState = deleted === true || (deleted === undefined && "value" in rest);
  return hasState && isText(key) && isText(updatedAt) && isTextOrAbsent(hlc);
}

function isEvent({ id, stream, timestamp, type, ...rest }: Readonly<Record<string, unknown>>): boolean {
  return isText(id) && isText(stream) && isText(timestamp) && isTextOrAbsent(type) && "payload" in rest;
}

function isAuthor(by: unknown): boolean {
  if (by === undefined) return true;
  if (typeof by !== "object" || by === null) return false;
  const { client, mutation } = by as { readonly client?: unknown; readonly mutation?: unknown };
  return isText(client) && isVersion(mutation);
}

function isVersion(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}
