import { checkStatement } from "../driver/refused-statement.ts";
import type { CallOptions, Driver, Param, Row, Statement } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import { sqlParam } from "./sql-param.ts";
import { callOptions, observed, type StoreContext } from "./store-context.ts";

/** A piece of SQL for one store's `sql`. Made by its members only: data cannot pose as one. */
export interface SqlFragment {
  /** Throws: a fragment is no data. */
  toJSON(): never;
}

/** What may stand in `${}`: fragments become SQL, everything else a bound parameter. See {@link sqlParam}. */
export type SqlValue = Param | bigint | Date | SqlFragment | object;

type Tag = <T = Row>(strings: TemplateStringsArray, ...values: readonly SqlValue[]) => Promise<readonly T[]>;

/**
 * One statement of your own in one round trip, in a read-only transaction: a write fails with SQLSTATE 25006. Values are
 * always bound and never become SQL; PostgreSQL takes their types from where they stand, and `::int` and the like say more.
 * An object or array is bound as JSON text, so write `${object}::text::jsonb`.
 *
 * Columns come back as numbers (int2, int4, float4, float8), booleans, null and parsed json; every other type as PostgreSQL's own
 * text: int8, numeric, times, uuid, arrays.
 *
 * The tables hold the rows of all stores of the schema, and tombstones: ask for `store = ${store.name} and not deleted`.
 *
 * @throws ValidationError when it is not used as a tag, or a value cannot be bound
 * @example
 * ```ts
 * const rows = await store.sql<{ place: string; n: number }>`
 *   select value->>'place' as place, count(*)::int as n
 *   from ${store.sql.records}
 *   where store = ${store.name} and not deleted and (value->>'mag')::float8 > ${4.5}
 *   group by 1`;
 * ```
 */
export interface StoreSql extends Tag {
  /** The same for a statement that writes. Not repeated after an error with outcome `unknown`. */
  readonly write: Tag;
  /** The same with a signal and a deadline. */
  with(options: CallOptions): StoreSql;
  /** A part of a statement, to be put into others. Its values are bound too. */
  fragment(strings: TemplateStringsArray, ...values: readonly SqlValue[]): SqlFragment;
  /** A name in double quotes. @throws ValidationError for other than letters, digits and `_`, or more than 63 bytes */
  identifier(name: string): SqlFragment;
  /** The table of the records, in the schema of the store. */
  readonly records: SqlFragment;
  readonly events: SqlFragment;
  readonly kv: SqlFragment;
}

/** @param bareDriver for statements that name none of the store's tables: no migration can mend those */
export function sqlTag(context: StoreContext, bareDriver: Driver): StoreSql {
  // The one way to be a fragment is to have been made here.
  const pieces = new WeakMap<object, Template>();

  function newFragment(template: Template): SqlFragment {
    const fragment = Object.freeze({ toJSON: refuseFragment });
    pieces.set(fragment, template);
    return fragment;
  }

  function compose(template: Template): Composed {
    const composed: Composed = { text: "", params: [], namesTable: false };
    add(composed, template);
    if (composed.params.length > MAX_PARAMS) {
      throw new ValidationError(`sql: more than ${MAX_PARAMS} values; pass a list as one JSON array`);
    }
    checkStatement(composed, "sql");
    return composed;
  }

  function add(composed: Composed, { strings, values, isTable }: Template): void {
    composed.namesTable ||= isTable === true;
    for (const [index, text] of strings.entries()) {
      composed.text += text;
      if (index >= values.length) continue;
      const value = values[index];
      const piece = typeof value === "object" && value !== null ? pieces.get(value) : undefined;
      if (piece) add(composed, piece);
      // Between spaces, so that no letter or digit beside it becomes a part of it.
      else composed.text += ` $${composed.params.push(sqlParam(value, `sql: value ${composed.params.length + 1}`))} `;
    }
  }

  function tag(options: CallOptions | undefined): StoreSql {
    async function read<T>(strings: TemplateStringsArray, ...values: readonly SqlValue[]) {
      const { namesTable, ...statement } = compose(checkTemplate(strings, values));
      const batchOptions = { ...callOptions(options, "sql"), readOnly: true };
      const driver = namesTable ? context.driver : bareDriver;
      const [rows = []] = await observed(context, "sql", () => driver.batch([statement], batchOptions));
      return rows as readonly T[];
    }

    async function write<T>(strings: TemplateStringsArray, ...values: readonly SqlValue[]) {
      const { namesTable, ...statement } = compose(checkTemplate(strings, values));
      const driver = namesTable ? context.driver : bareDriver;
      const rows = await observed(context, "sql.write", () =>
        driver.query(statement, callOptions(options, "sql.write")),
      );
      return rows as readonly T[];
    }

    return Object.assign(read, { write, with: (more: CallOptions) => tag({ ...options, ...more }), ...fragments });
  }

  const table = (name: string) =>
    newFragment({ strings: [`${context.schema}.${quoteIdentifier(name, "table")}`], values: [], isTable: true });
  const fragments = {
    fragment: (strings: TemplateStringsArray, ...values: readonly SqlValue[]) =>
      newFragment(checkTemplate(strings, values)),
    identifier: (name: string) => newFragment({ strings: [quoteIdentifier(name, "sql.identifier")], values: [] }),
    records: table("persist_records"),
    events: table("persist_events"),
    kv: table("persist_kv"),
  };
  return tag(undefined);
}

/** As many as every driver can count. */
const MAX_PARAMS = 65_533;

interface Template {
  readonly strings: readonly string[];
  readonly values: readonly unknown[];
  readonly isTable?: boolean;
}

interface Composed extends Statement {
  text: string;
  readonly params: Param[];
  namesTable: boolean;
}

/** A call with a string that was put together would be SQL out of data. */
function checkTemplate(strings: TemplateStringsArray, values: readonly unknown[]): Template {
  const isTemplate = Array.isArray(strings) && Array.isArray(strings.raw) && strings.length === values.length + 1;
  if (!isTemplate || strings.some((text) => typeof text !== "string")) {
    throw new ValidationError(
      "sql: write the statement as a template, sql`select …`, with each value in a placeholder",
    );
  }
  return { strings, values };
}

function refuseFragment(): never {
  throw new ValidationError("sql: this is a fragment and no data; use it with the sql of the store that made it");
}
