import { describe, expect, it } from "vitest";
import { type Environment, readSettings as read } from "../../worker/settings.ts";

const publicJwk = JSON.stringify({ kty: "EC", crv: "P-256", x: "x", y: "y" });
const complete: Environment = {
  DATABASE_URL: "postgresql://user:hunter2@host/db",
  PUBLIC_JWK: publicJwk,
  TOKEN_ISSUER: "https://id.example",
  TOKEN_AUDIENCE: "api",
};

const readSettings = (env: Environment) => read(env, ["neon-http", "neon-websocket", "postgres", "pg"]);

describe("the settings of the worker", () => {
  it("are complete with four variables", () => {
    expect(readSettings(complete)).toMatchObject({
      settings: {
        driver: "neon-http",
        databaseUrl: complete["DATABASE_URL"],
        authentication: { keys: { keys: [JSON.parse(publicJwk)] }, issuer: "https://id.example", audience: "api" },
        profileMaxAgeSeconds: 0,
        poolSize: 10,
      },
    });
  });

  it.each([
    ["DATABASE_URL", undefined, /^DATABASE_URL is not set/],
    ["DATABASE_URL", "", /^DATABASE_URL is not set/],
    ["DATABASE_URL", "mysql://user:hunter2@host/db", /^DATABASE_URL must be postgresql:/],
    ["DATABASE_URL", "postgresql://user:hunter2@/#@host:port", /^DATABASE_URL must be postgresql:/],
    ["DATABASE_URL", "postgresql://user:hunter2%off@host/db", /^DATABASE_URL must be postgresql:/],
    ["PUBLIC_JWK", undefined, /^PUBLIC_JWK is not set.*JWKS_URL/],
    ["TOKEN_ISSUER", undefined, /^TOKEN_ISSUER is not set/],
    ["TOKEN_AUDIENCE", undefined, /^TOKEN_AUDIENCE is not set/],
    ["DATABASE_DRIVER", "mysql", /^DATABASE_DRIVER must be one of neon-http, neon-websocket, postgres, pg/],
    ["DATABASE_DRIVER", "toString", /^DATABASE_DRIVER must be one of/],
    ["PUBLIC_JWK", "{", /^PUBLIC_JWK must be a JWK/],
    ["PUBLIC_JWK", "null", /^PUBLIC_JWK must be a JWK/],
    ["PUBLIC_JWK", JSON.stringify({ kty: "EC", d: "hunter2" }), /^PUBLIC_JWK holds a private/],
    ["PUBLIC_JWK", JSON.stringify({ keys: [{ kty: "oct", k: "hunter2" }] }), /^PUBLIC_JWK holds a private/],
    ["JWKS_URL", "nowhere", /^JWKS_URL must be a URL/],
    ["PROFILE_MAX_AGE", "-1", /^PROFILE_MAX_AGE must be/],
    ["DATABASE_POOL_SIZE", "0", /^DATABASE_POOL_SIZE must be/],
  ])("with %s = %j say what is wrong, never a value", (name, value, fault) => {
    const result = readSettings({ ...complete, [name]: value });
    expect(result).toEqual({ fault: expect.stringMatching(fault) });
    expect(JSON.stringify(result)).not.toMatch(/hunter2|nowhere/);
  });

  it("take the first driver of the platform, and no other than its own", () => {
    expect(read(complete, ["pg", "neon-http"])).toMatchObject({ settings: { driver: "pg" } });
    const named = { ...complete, DATABASE_DRIVER: "neon-http", DATABASE_POOL_SIZE: "25" };
    expect(read(named, ["pg", "neon-http"])).toMatchObject({ settings: { driver: "neon-http", poolSize: 25 } });
    expect(read(named, ["pg"])).toEqual({ fault: "DATABASE_DRIVER must be one of pg here." });
  });

  it("take the connection of a Hyperdrive binding, over postgres.js", () => {
    const HYPERDRIVE = { connectionString: "postgresql://pooled/db" };
    const { DATABASE_URL: _, ...rest } = complete;
    expect(readSettings({ ...rest, HYPERDRIVE })).toMatchObject({
      settings: { driver: "postgres", databaseUrl: "postgresql://pooled/db" },
    });
    expect(readSettings({ ...rest, HYPERDRIVE, DATABASE_DRIVER: "pg" })).toMatchObject({ settings: { driver: "pg" } });
    expect(readSettings({ ...rest, HYPERDRIVE, DATABASE_DRIVER: "neon-http" })).toHaveProperty("fault");
  });
});
