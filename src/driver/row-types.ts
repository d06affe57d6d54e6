/**
 * How a column's text becomes a value, the same for every driver. What is not listed stays PostgreSQL's own text: 64-bit
 * integers, numeric, times, uuid, arrays. The drivers' defaults differ there (a Date loses microseconds, a date becomes
 * local midnight, an int8 is a string, a number or a bigint), so none of them is used.
 */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === "t" || text === "true", // bool
  21: Number, // int2
  23: Number, // int4
  700: Number, // float4
  701: Number, // float8
  114: (text) => JSON.parse(text), // json
  3802: (text) => JSON.parse(text), // jsonb
};

/** The parser of a type by its OID, as `pg_type` numbers it. */
export function parserOf(typeOid: number): (text: string) => unknown {
  return parsers[typeOid] ?? asIs;
}

/** OIDs that have a parser, for drivers that must be told which ones. */
export const parsedTypes: readonly number[] = Object.keys(parsers).map(Number);

function asIs(text: string): string {
  return text;
}
