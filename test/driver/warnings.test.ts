import { describe, expect, inject, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { postgres } from "../../src/driver/postgres.ts";
import type { DriverWarning } from "../../src/driver/warning.ts";

describe.each([
  { driver: "pg", open: pg },
  { driver: "postgres", open: postgres },
])("a connection string that $driver does not follow in full", ({ open }) => {
  it("is told of once, by the names of the keys alone, and PgBouncer takes what is left", async () => {
    const warnings: DriverWarning[] = [];
    const url = `${inject("servers").pgbouncer}?pgbouncer=true&options=-csecret%3D1&sslmode=disable&search_path=hidden`;
    const driver = open(url, { onWarning: (warning) => warnings.push(warning) });
    expect(await driver.query({ text: "select 1 as one", params: [] })).toEqual([{ one: 1 }]);
    await driver.close();
    expect(warnings).toEqual([
      { code: "url-keys-left-out", message: expect.stringContaining("pgbouncer, options, search_path: left out") },
    ]);
    expect(JSON.stringify(warnings)).not.toMatch(/secret|hidden|true/);
  });

  it("keeps a piece of a password to itself", () => {
    const warnings: DriverWarning[] = [];
    open("postgresql://localhost/db?w0rd@host=1", { onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain("w0rd");
  });

  it("is refused, without a word of it, where it cannot be read", () => {
    for (const url of ["postgresql://u:hunter2%off@localhost/db", "postgresql://u:hunter2@localhost/d%b"]) {
      expect(() => open(url)).toThrow(
        expect.objectContaining({ code: "validation", message: expect.not.stringContaining("hunter2") }),
      );
    }
  });

  it("is not told of when every key is used", () => {
    const warnings: DriverWarning[] = [];
    const url = "postgresql://u:p@localhost/db?sslmode=require&application_name=app";
    open(url, { onWarning: (warning) => warnings.push(warning) });
    expect(warnings).toEqual([]);
  });
});
