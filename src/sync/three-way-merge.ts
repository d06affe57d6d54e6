/**
 * What changed from `base` to `local`, applied to `remote`: member by member as a merge patch does it (RFC 7396), arrays and
 * everything else as a whole. Where both sides changed the same member, `local` wins. Other than in a merge patch, a member
 * that became null is null and not removed. Without a base, each member of `local` counts as changed and none as removed.
 *
 * @param base JSON, undefined when it is not known
 */
export function threeWayMerge(base: unknown, local: unknown, remote: unknown): unknown {
  if (sameJson(base, local)) return remote;
  if (base !== undefined && sameJson(base, remote)) return local;
  if (!isObject(local) || !isObject(remote)) return local;

  const before = isObject(base) ? base : {};
  const merged = new Map<string, unknown>();
  for (const name of new Set([...Object.keys(remote), ...Object.keys(local)])) {
    const value = mergeMember(memberOf(before, name), memberOf(local, name), memberOf(remote, name));
    if (value !== undefined) merged.set(name, value);
  }
  // Defines its members, so that `__proto__` is one like any other.
  return Object.fromEntries(merged);
}

/** Whether two JSON values are the same. The order of members does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b) || a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
  );
}

/** Undefined stands for no such member, on either side. */
function mergeMember(base: unknown, local: unknown, remote: unknown): unknown {
  if (local === undefined && base === undefined) return remote;
  return threeWayMerge(base, local, remote);
}

type JsonObject = Readonly<Record<string, unknown>>;

function memberOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
