import { describe, expect, it } from "vitest";
import { driverForUrl } from "../../src/create-store/driver-for-url.ts";
import { ValidationError } from "../../src/errors.ts";

describe("driverForUrl", () => {
  const rule: readonly [url: string, driver: string][] = [
    ["postgresql://u:p@ep-x-123.eu-central-1.aws.neon.tech/db", "neon-http"],
    ["postgres://u:p@ep-x-pooler.c-2.us-east-2.aws.NEON.tech/db?sslmode=require", "neon-http"],
    ["postgresql://u:p@ep.region.neon.build:5432/db", "neon-http"],
    ["postgresql://u:p@neon.tech.example.org/db", "postgres"],
    ["postgresql://u:p@evilneon.tech/db", "postgres"],
    ["postgresql://neon.tech@localhost/neon.tech", "postgres"],
    ["postgresql://u@127.0.0.1:6432/db", "postgres"],
    ["postgres://u@[::1]/db", "postgres"],
    ["POSTGRESQL://u@h/db", "postgres"],
    ["pglite:", "pglite"],
    ["pglite:./data", "pglite"],
    ["pglite:memory://", "pglite"],
  ];
  for (const [url, driver] of rule) it(`${driver} for ${url}`, () => expect(driverForUrl(url)).toBe(driver));

  it("refuses anything else without repeating it", () => {
    const urls = ["", "mysql://u:secret@h/db", "h/db", "postgresql://u:sec#ret@h:x/db", "file:secret", undefined];
    for (const url of urls) {
      const refused = () => driverForUrl(url as string);
      expect(refused).toThrow(ValidationError);
      expect(refused).not.toThrow(/sec/);
    }
  });
});
