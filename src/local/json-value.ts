import { fromArrayLiteral } from "./array-literal.ts";

/**
 * PostgreSQL's text of a value as JSON, for requests without `Neon-Raw-Text-Output`.
 *
 * | type | JSON |
 * |---|---|
 * | bool, int2, int4, float4, float8 | boolean, number; NaN and the infinities stay text |
 * | json, jsonb | as it is |
 * | arrays of these, and of int8, numeric, text, varchar, bpchar, uuid, date, timestamp, timestamptz | array |
 * | all others, int8 and numeric too | text |
 */
export function toJsonValue(text: string, dataTypeId: number): unknown {
  const element = elementTypes.get(dataTypeId);
  if (element !== undefined) {
    return fromArrayLiteral(text, (item) => toJsonValue(item, element));
  }
  switch (dataTypeId) {
    case bool:
      return text === "t";
    case int2:
    case int4:
    case float4:
    case float8: {
      const value = Number(text);
      return Number.isFinite(value) ? value : text;
    }
    case json:
    case jsonb:
      return JSON.parse(text);
    default:
      return text;
  }
}

const bool = 16;
const int2 = 21;
const int4 = 23;
const float4 = 700;
const float8 = 701;
const json = 114;
const jsonb = 3802;
const plainText = 25;

/** From an array's type to that of its elements. */
const elementTypes: ReadonlyMap<number, number> = new Map([
  [1000, bool],
  [1005, int2],
  [1007, int4],
  [1021, float4],
  [1022, float8],
  [199, json],
  [3807, jsonb],
  ...[1016, 1231, 1009, 1015, 1014, 2951, 1182, 1115, 1185].map((array): [number, number] => [array, plainText]),
]);
