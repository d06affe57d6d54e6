import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { fromDate, toDate, utcText } from "../../src/sql/time.ts";

describe("time", () => {
  it("asks for microseconds in UTC", () => {
    expect(utcText("updated_at")).toBe(`to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`);
  });

  it("cuts microseconds to milliseconds", () => {
    expect(toDate("2026-11-20T10:00:00.000999Z").getTime()).toBe(Date.UTC(2026, 10, 20, 10));
  });

  it("refuses a date that is none", () => {
    expect(fromDate(new Date(0), "since")).toBe("1970-01-01T00:00:00.000Z");
    expect(() => fromDate(new Date(Number.NaN), "events.list: since")).toThrow(ValidationError);
    expect(() => fromDate("yesterday" as unknown as Date, "events.list: since")).toThrow(
      /^events\.list: since must be/,
    );
  });
});
