import { ValidationError } from "../errors.ts";

/** PostgreSQL cuts longer names without an error. */
const MAX_BYTES = 63;

/**
 * The one place where a name becomes part of SQL text. Letters, digits and `_` only, at most 63 bytes, not beginning with a
 * digit or with `pg_`. Case is kept: `MyApp` and `myapp` are two schemas.
 *
 * @param what what the name is, for the message: `schema`, `tablePrefix`
 * @throws ValidationError when the name is anything else
 * @example quoteIdentifier("my_app", "schema") // "my_app", in double quotes
 */
export function quoteIdentifier(name: string, what: string): string {
  if (typeof name !== "string" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new ValidationError(`${what}: use letters, digits and _ only, beginning with a letter or _`);
  }
  if (name.length > MAX_BYTES) {
    throw new ValidationError(
      `${what}: ${name.length} bytes make too long a name, PostgreSQL takes ${MAX_BYTES}; shorten it`,
    );
  }
  if (name.startsWith("pg_")) {
    throw new ValidationError(`${what}: PostgreSQL keeps names that begin with pg_ for itself; choose another`);
  }
  return `"${name}"`;
}
