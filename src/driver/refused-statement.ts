import type { Statement } from "../driver.ts";
import { ValidationError } from "../errors.ts";

/**
 * Refuses what a call cannot carry out, before anything is sent: COPY from or to the client, which has no stream here, and
 * statements that begin or end a transaction, which would be that of whoever uses the connection next.
 *
 * @param what for the message: `sql`, `pg query` …
 * @throws ValidationError
 */
export function checkStatement({ text }: Statement, what: string): void {
  const [, first = "", second = ""] = WORDS.exec(text.slice(startOf(text))) ?? [];
  if (CONTROLS.test(first) && !/^prepared$/i.test(second)) {
    throw new ValidationError(`${what}: a transaction is a batch of statements; leave ${first.toUpperCase()} out`);
  }
  if (/^copy$/i.test(first) && /\b(stdin|stdout)\b/i.test(text)) {
    throw new ValidationError(`${what}: COPY has no stream here; pass many rows as one JSON array`);
  }
}

/** What the server did not refuse, although it came alone. Its connection has to be closed. */
export function leftOpen(): ValidationError {
  const message = "query: a lone statement began a transaction, which was rolled back; its statements are one batch";
  return new ValidationError(message, { outcome: "rejected" });
}

const WORDS = /^([a-z]+)(?:\s+([a-z]+))?/i;

const CONTROLS = /^(begin|start|commit|end|rollback|abort|savepoint|release)$/i;

/** Where the first word is: behind white space, empty statements and comments, which may hold others. */
function startOf(text: string): number {
  let at = 0;
  let depth = 0;
  for (; at < text.length; at++) {
    const two = text.slice(at, at + 2);
    if (two === "/*" || (two === "*/" && depth > 0)) {
      depth += two === "/*" ? 1 : -1;
      at++;
    } else if (depth === 0 && two === "--") {
      const end = text.slice(at).search(/[\n\r]/);
      if (end < 0) return text.length;
      at += end;
    } else if (depth === 0 && !/[\s;]/.test(two.charAt(0))) return at;
  }
  return at;
}
