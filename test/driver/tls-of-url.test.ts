import { describe, expect, it } from "vitest";
import { resolveParameters } from "../../src/driver/connection-parameters.ts";
import { pgConfig } from "../../src/driver/pg.ts";
import type { DriverWarning } from "../../src/driver/warning.ts";
import { ValidationError } from "../../src/errors.ts";

const url = (query: string) => `postgresql://u:hunter2@db.example/app${query}`;
const checked = {};
const unchecked = { rejectUnauthorized: false };

describe("the query of a connection string", () => {
  it.each([
    ["", false],
    ["?sslmode=disable", false],
    ["?sslmode=allow", false],
    ["?sslmode=prefer", false],
    ["?sslmode=", false],
    ["?ssl=false", false],
    ["?ssl=0", false],
    ["?tls=false", false],
    ["?sslmode=disable&sslrootcert=/etc/ca.pem", false],
    ["?sslmode=require", checked],
    ["?sslmode=verify-ca", checked],
    ["?sslmode=verify-full", checked],
    ["?sslmode=require&channel_binding=require", checked],
    ["?sslmode=verify-full&sslrootcert=system", checked],
    ["?sslrootcert=system", checked],
    ["?sslmode=require&sslcert=/c.pem&sslkey=/k.pem&sslnegotiation=direct&ssl_min_protocol_version=TLSv1.2", checked],
    ["?ssl=true", checked],
    ["?ssl=1", checked],
    ["?ssl=true&sslmode=require", checked],
    ["?ssl=true&sslmode=prefer", checked],
    ["?sslmode=no-verify", unchecked],
    ["?ssl=no-verify", unchecked],
    ["?ssl=true&sslmode=no-verify", unchecked],
  ])("%s asks for as much TLS as it gets", (query, ssl) => {
    expect(resolveParameters(url(query)).ssl).toEqual(ssl);
  });

  it.each([
    "?ssl=yes-please",
    "?ssl=%7B%22rejectUnauthorized%22%3Afalse%7D",
    "?sslmode=Require",
    "?sslmode=verify",
    "?SSL=true",
    "?sslMode=require",
    "?tls=true",
    "?useSSL=true",
    "?requiressl=1",
    "?gssencmode=require",
    "?sslrootcert=/etc/ca.pem",
    "?sslmode=verify-full&sslrootcert=/etc/ca.pem",
    "?sslcert=/c.pem&sslkey=/k.pem",
    "?sslmode=require&sslcrl=/crl.pem",
    "?sslmode=require&ssl_min_protocol_version=TLSv1.3",
    "?ssl=true&sslmode=disable",
    "?sslmode=disable&sslrootcert=system",
    "?sslmode=disable&sslmode=require",
    "?sslmode=verify-full&ssl=no-verify",
  ])("%s is refused rather than given less", (query) => {
    const resolve = () => resolveParameters(url(query));
    expect(resolve).toThrow(ValidationError);
    expect(resolve).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/hunter2|pem|please/) }));
  });

  it("is told of where it is left out", () => {
    const warnings: DriverWarning[] = [];
    resolveParameters(url("?ssl=true&sslsni=1&sslrootcert=system"), (warning) => warnings.push(warning));
    expect(warnings).toMatchObject([{ message: expect.stringMatching(/: sslsni: left out/) }]);
  });

  it("is the same for a pool of the application's", () => {
    expect(pgConfig(url("?ssl=true&pgbouncer=true"))).toMatchObject({ ssl: checked, application_name: "onetrip" });
    expect(pgConfig(url("?ssl=true&pgbouncer=true"))).not.toHaveProperty("pgbouncer");
    expect(() => pgConfig(url("?tls=true"))).toThrow(ValidationError);
  });
});
