import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { checkLimit } from "../../src/sql/limit.ts";

describe("checkLimit", () => {
  it("is 100 unless given, and whole from 1 to 1,000", () => {
    expect([undefined, 1, 1000].map((limit) => checkLimit(limit, "list"))).toEqual([100, 1, 1000]);
    for (const limit of [0, -1, 1001, 1.5, Number.NaN, "10" as unknown as number]) {
      expect(() => checkLimit(limit, "records.list")).toThrow(ValidationError);
    }
    expect(() => checkLimit(0, "records.list")).toThrow(/^records\.list: limit must be/);
  });
});
