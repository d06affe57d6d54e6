import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { quoteIdentifier } from "../../src/sql/identifier.ts";

describe("quoteIdentifier", () => {
  it("quotes names of letters, digits and _, and keeps their case", () => {
    for (const name of ["persist", "my_app_persist", "_x", "A1", "MyApp", "select", "a".repeat(63)]) {
      expect(quoteIdentifier(name, "schema")).toBe(`"${name}"`);
    }
  });

  it("refuses everything else, without repeating the name", () => {
    const names = ["", "1a", "a-b", "a b", 'a"b', "a;b", "a.b", "é", "a\n", "pg_x", "pg_", "a".repeat(64), "a\0"];
    for (const name of names) {
      const refused = () => quoteIdentifier(name, "schema");
      expect(refused, JSON.stringify(name)).toThrow(ValidationError);
      expect(refused).toThrow(/^schema: /);
    }
    expect(() => quoteIdentifier('x"; drop table', "tablePrefix")).not.toThrow(/drop/);
  });
});
