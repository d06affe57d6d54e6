/** `{1,NULL,"a \"b\""}`: PostgreSQL's text of an array. Objects become JSON text. */
export function toArrayLiteral(values: readonly unknown[]): string {
  return `{${values.map(toElement).join(",")}}`;
}

/** The elements of an array's text, each given to `parse`; NULL is null, an inner array an array. Bounds are dropped. */
export function fromArrayLiteral(literal: string, parse: (text: string) => unknown): unknown[] {
  const open: unknown[][] = [[]];
  for (const [, punctuation, quoted, bare] of literal.slice(literal.indexOf("{")).matchAll(token)) {
    if (punctuation === "{") {
      const inner: unknown[] = [];
      open.at(-1)?.push(inner);
      open.push(inner);
    } else if (punctuation === "}") {
      open.pop();
    } else if (quoted !== undefined) {
      open.at(-1)?.push(parse(quoted.replace(/\\(.)/gs, "$1")));
    } else if (bare !== undefined) {
      open.at(-1)?.push(bare === "NULL" ? null : parse(bare));
    }
  }
  const [array] = open[0] ?? [];
  return Array.isArray(array) ? array : [];
}

/** A brace, a quoted element with its escapes, or a bare one; commas are between the matches. */
const token = /([{}])|"((?:[^"\\]|\\.)*)"|([^{},"]+)/gs;

function toElement(value: unknown): string {
  if (value === null) {
    return "NULL";
  }
  if (Array.isArray(value)) {
    return toArrayLiteral(value);
  }
  if (typeof value === "string" || typeof value === "object") {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  }
  return JSON.stringify(value);
}
