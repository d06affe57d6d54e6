import { ValidationError } from "../errors.ts";

/**
 * The one place where the name of a text search configuration (`simple`, `english`, `german` …) becomes part of SQL text: an
 * index on an expression is only used by a query that spells the same constant. Lower-case letters and `_`, at most 63.
 * Whether the database has it, only the database knows.
 *
 * @param what where it was given, for the message: `records.search`
 * @throws ValidationError when the name is anything else
 * @example quoteLanguage("english", "records.search") // 'english', in single quotes
 */
export function quoteLanguage(language: string, what: string): string {
  if (typeof language === "string" && /^[a-z_]{1,63}$/.test(language)) return `'${language}'`;
  throw new ValidationError(
    `${what}: language is the name of a text search configuration, of a-z and _ only, such as "simple" or "english"`,
  );
}
