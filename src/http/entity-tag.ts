/** A strong entity-tag: the revision in double quotes. */
export function revisionTag(revision: number): string {
  return `"${revision}"`;
}

/** What `If-None-Match` or `If-Match` says: any representation, or a list of revisions. */
export type TagCondition = "any" | readonly number[];

/**
 * Reads the header as RFC 9110, section 13.1, has it. Tags that cannot be ours match nothing and are left out.
 *
 * @param comparison `weak` lets `W/"3"` stand for `"3"`, as `If-None-Match` asks; `strong` does not, as `If-Match` asks
 */
export function parseTags(header: string, comparison: "weak" | "strong"): TagCondition {
  if (header.trim() === "*") return "any";
  return [...header.matchAll(/(W\/)?"([^"]*)"/g)]
    .filter(([, weak, tag]) => (comparison === "weak" || weak === undefined) && /^[1-9]\d{0,8}$/.test(tag ?? ""))
    .map(([, , tag]) => Number(tag));
}
