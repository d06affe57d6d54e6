/** JSON that is easily changed on its way. */
export const jsonValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1.5,
  1e21,
  5e-324,
  Number.MAX_SAFE_INTEGER,
  "",
  "null",
  [],
  {},
  [[], [null], [{ a: [1, 2, { b: "c" }] }]],
  { "": "empty key", "key with \"quotes\" and 'apostrophes'": "\\ back\tslash\n", "\u2028": "\u2029 separators" },
  { emoji: "🌍👩‍👩‍👧‍👦", rtl: "שלום", combining: "e\u0301", astral: "\u{10FFFF}" },
];

/** Text that is easily changed on its way. */
export const texts: readonly string[] = [
  "",
  " ",
  "it's",
  'say "hi"',
  "back\\slash",
  "$1 $$ $x$ %s %",
  "line\nbreak\r\nand\ttab",
  "\u2028\u2029\uFEFF",
  "🌍 שלום 東京 e\u0301 \u{10FFFF}",
  '{"json": true}',
  "{1,2,3}",
  "x".repeat(100_000),
];

/** One column of each type that crosses the seam, and what every driver makes of it. */
export const typesQuery = `
  select 'text'::text as text, 2147483647::int4 as int4, 7::int2 as int2, 0.1::float8 as float8, 'NaN'::float8 as nan,
         '-Infinity'::float8 as infinity, true as yes, false as no, '{"a": [1]}'::jsonb as jsonb, 'null'::jsonb as json_null,
         null::text as missing, '7f9c24e8-3b12-4fef-91e0-56a2d1b8e8b3'::uuid as uuid, 1.10::numeric as numeric,
         9007199254740993::int8 as int8, '2026-11-20'::date as date,
         '2026-11-20 10:00:00.000123'::timestamp as timestamp, '{a,NULL,"b c"}'::text[] as texts, '\\xdeadbeef'::bytea as bytes`;

export const typesRow = {
  text: "text",
  int4: 2147483647,
  int2: 7,
  float8: 0.1,
  nan: Number.NaN,
  infinity: Number.NEGATIVE_INFINITY,
  yes: true,
  no: false,
  jsonb: { a: [1] },
  json_null: null,
  missing: null,
  uuid: "7f9c24e8-3b12-4fef-91e0-56a2d1b8e8b3",
  numeric: "1.10",
  int8: "9007199254740993",
  date: "2026-11-20",
  timestamp: "2026-11-20 10:00:00.000123",
  texts: '{a,NULL,"b c"}',
  bytes: "\\xdeadbeef",
};
