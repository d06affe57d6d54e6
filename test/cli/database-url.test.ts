import { describe, expect, it } from "vitest";
import { shownUrl, takeOperands } from "../../src/cli/database-url.ts";

const url = "postgresql://ada:hunter2@db.example/notes";

describe("takeOperands", () => {
  it("takes the URL from the arguments, else from DATABASE_URL", () => {
    const env = { DATABASE_URL: "pglite:./data" };
    expect(takeOperands([url, "select 1", "a"], ["statement", "[params...]"], env)).toEqual({
      url,
      rest: ["select 1", "a"],
    });
    expect(takeOperands(["select 1"], ["statement", "[params...]"], env)).toEqual({
      url: "pglite:./data",
      rest: ["select 1"],
    });
  });

  it("lets their number decide where the next argument may be a URL too", () => {
    const env = { DATABASE_URL: "pglite:./data" };
    const names = ["store", "remote-url"];
    expect(takeOperands(["notes", url], names, env, 1)).toEqual({ url: "pglite:./data", rest: ["notes", url] });
    expect(takeOperands(["notes", "pglite:", url], names, env, 1)).toEqual({ url: "pglite:", rest: ["notes", url] });
  });

  it("never quotes what it was given", () => {
    for (const given of [["mysql://ada:hunter2@h/d"], [url, "hunter2"]]) {
      expect(() => takeOperands(given, [], {})).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining("hunter2") }),
      );
    }
  });
});

describe("shownUrl", () => {
  it.each([
    [url, "ada@db.example:5432/notes"],
    ["postgresql://a%40b:hunter2@[::1]:6432/x?password=hunter2#hunter2", "a@b@[::1]:6432/x"],
    ["postgres://h", "postgres@h:5432"],
    ["postgresql://%zz:hunter2@h/%zz", "%zz@h:5432/%zz"],
    ["pglite:./data", "pglite:./data"],
    ["postgresql://ada:hunter2@h:port/d", "the database"],
    ["postgresql://ada:2024/hunter2@h/d", "the database"],
    ["postgresql://ada:2024/hunter2%40h", "the database"],
  ])("of %s has no secret", (given, shown) => {
    expect(shownUrl(given)).toBe(shown);
  });
});
