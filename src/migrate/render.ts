import { quoteIdentifier } from "../sql/identifier.ts";

/**
 * What an application calls its schema and, for profiles, its tables. Names as they are, not quoted.
 * With a `tablePrefix` (an empty one too) the set is that of the profiles, without one that of the stores.
 */
export interface SchemaNames {
  readonly schema: string;
  readonly tablePrefix?: string | undefined;
}

/**
 * Puts the application's names into the SQL of a migration: `persist.` becomes the schema; for profiles `pson.` becomes the
 * schema and `pson_x` the prefix followed by `x`. String literals, quoted identifiers and comments stay as they are, function
 * bodies between dollar signs do not.
 *
 * @throws ValidationError when a name is not allowed, or a prefix makes a name too long
 */
export function renderSql(sql: string, names: SchemaNames): string {
  const schema = quoteIdentifier(names.schema, "schema");
  const prefix = names.tablePrefix;
  return prefix === undefined
    ? sql.replace(storeNames, (token, isName) => (isName === undefined ? token : `${schema}.`))
    : sql.replace(profileNames, (token, isName, rest) => {
        if (isName === undefined) return token;
        return rest === undefined ? `${schema}.` : quoteIdentifier(prefix + rest, `tablePrefix followed by ${rest}`);
      });
}

/** The name of the table that remembers what was applied, not quoted. */
export function ledgerName(names: SchemaNames): string {
  return names.tablePrefix === undefined ? "persist_migrations" : `${names.tablePrefix}migrations`;
}

// Literals, quoted identifiers and comments come first, so that nothing inside them is taken for a name.
const storeNames = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?<![\w$.])(persist)\.(?=[A-Za-z_])/g;
const profileNames = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|(?<![\w$])(pson)(?:\.(?=[A-Za-z_])|_(\w+))/g;
