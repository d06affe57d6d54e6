import fc from "fast-check";
import { expect, it } from "vitest";
import { fromArrayLiteral, toArrayLiteral } from "../../src/local/array-literal.ts";

it("an array's text gives the array back", () => {
  const flat = fc.array(fc.option(fc.string({ unit: "binary" })), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(flat, { minLength: 1 }), (values) => {
      expect(fromArrayLiteral(toArrayLiteral(values), (text) => text)).toEqual(values);
    }),
  );
});

it("bounds, empty arrays and bare elements are read as PostgreSQL writes them", () => {
  expect(fromArrayLiteral("{}", Number)).toEqual([]);
  expect(fromArrayLiteral("[2:3]={1,2}", Number)).toEqual([1, 2]);
  expect(fromArrayLiteral('{NULL,"NULL",2020-01-01 00:00:00+00}', String)).toEqual([
    null,
    "NULL",
    "2020-01-01 00:00:00+00",
  ]);
});
