import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { quoteLanguage } from "../../src/sql/text-search-language.ts";

describe("quoteLanguage", () => {
  it("quotes the name of a text search configuration", () => {
    expect(quoteLanguage("simple", "test")).toBe("'simple'");
    expect(quoteLanguage("my_own", "test")).toBe("'my_own'");
    expect(quoteLanguage("x".repeat(63), "test")).toBe(`'${"x".repeat(63)}'`);
  });

  it("refuses everything else", () => {
    for (const name of ["", "a'b", "a\\", "English", "pg_catalog.simple", "a b", "a\n", "é", "x".repeat(64)]) {
      expect(() => quoteLanguage(name, "test"), name).toThrow(ValidationError);
    }
  });
});
