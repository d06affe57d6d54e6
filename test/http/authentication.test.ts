import { Hono } from "hono";
import { base64url, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authentication, type OnetripEnv, principalOf, profileRoutes } from "../../src/http/index.ts";
import { createTestApp, problemOf, type TestApp } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

const path = "/profiles/v1/nobody";

describe("a request without a good token", () => {
  const now = () => Math.floor(Date.now() / 1000);
  const tokens: readonly [string, () => Promise<string | null>][] = [
    ["none", async () => null],
    ["no JWT", async () => "abc"],
    ["expired", () => app.token({}, { expiresAt: now() - 60 })],
    ["not yet valid", () => app.token({ nbf: now() + 60 })],
    ["of another issuer", () => app.token({ iss: "elsewhere" })],
    ["for another audience", () => app.token({ aud: "elsewhere" })],
    ["without a subject", () => app.token({ sub: undefined })],
    ["with an empty subject", () => app.token({ sub: "" })],
    ["with a tenant that is no string", () => app.token({ tenant: 7 })],
    ["signed by another key", () => signedWith("ES256")],
    ["signed with another algorithm", () => signedWith("RS256")],
    ["without a signature", async () => unsigned({ alg: "none" })],
    ["with its payload changed", async () => tampered(await app.token())],
    ["with the public key as a shared secret", () => confused()],
  ];

  it.each(tokens)("is 401, with a challenge, and opens no driver: %s", async (_, make) => {
    const opened = app.drivers.opened;
    const response = await app.request("GET", path, { token: await make() });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /);
    expect(await problemOf(response)).toMatchObject({ code: "unauthorized" });
    expect(app.drivers.opened).toBe(opened);
  });

  it("is told when the token has only expired", async () => {
    const token = await app.token({}, { expiresAt: now() - 60 });
    expect(await problemOf(await app.request("GET", path, { token }))).toMatchObject({
      detail: expect.stringContaining("expired"),
    });
  });

  it("is told the form of the header", async () => {
    const response = await app.request("GET", path, { token: null, headers: { authorization: "Basic YTpi" } });
    expect(response.status).toBe(401);
    expect(await problemOf(response)).toMatchObject({ detail: expect.stringContaining("Bearer <token>") });
  });

  async function signedWith(alg: string) {
    const { privateKey } = await generateKeyPair(alg);
    const jwt = new SignJWT({ iss: "tests", aud: "routes", sub: "alice", scope: "profiles:read" });
    return jwt.setProtectedHeader({ alg }).setExpirationTime("1h").sign(privateKey);
  }

  function unsigned(header: object) {
    const payload = { iss: "tests", aud: "routes", sub: "alice", scope: "profiles:read", exp: now() + 60 };
    return `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(payload))}.`;
  }

  function tampered(token: string) {
    const [header, , signature] = token.split(".");
    const payload = { iss: "tests", aud: "routes", sub: "root", scope: "profiles:read", exp: now() + 60 };
    return `${header}.${base64url.encode(JSON.stringify(payload))}.${signature}`;
  }

  async function confused() {
    const secret = new TextEncoder().encode(JSON.stringify(app.publicJwk));
    const jwt = new SignJWT({ iss: "tests", aud: "routes", sub: "alice", scope: "profiles:read" });
    return jwt.setProtectedHeader({ alg: "HS256" }).setExpirationTime("1h").sign(secret);
  }
});

describe("scopes", () => {
  it.each([
    ["profiles:read", "PUT", path],
    ["profiles:write", "GET", path],
    ["sync:read", "POST", "/sync/v1/s/push"],
    ["sync:write", "GET", "/sync/v1/s/pull"],
    ["", "GET", path],
  ])("%j alone is not enough for %s %s", async (scope, method, target) => {
    const response = await app.request(method, target, { token: await app.token({ scope }) });
    expect(response.status).toBe(403);
    expect(response.headers.get("www-authenticate")).toMatch(/insufficient_scope/);
    expect(await problemOf(response)).toMatchObject({ code: "insufficient-scope" });
  });
});

describe("routes mounted in an application of its own", () => {
  it("stay shut when nobody has said who is calling", async () => {
    const own = new Hono<OnetripEnv>();
    own.route("/", profileRoutes({ repository: () => expect.unreachable() }));
    const response = await own.request(path);
    expect(response.status).toBe(401);
    await problemOf(response);
  });

  it("answer 503 when the keys cannot be fetched", async () => {
    const own = new Hono<OnetripEnv>();
    const keys = () => Promise.reject(new TypeError("fetch failed"));
    own.use(authentication({ keys, issuer: "tests", audience: "routes" }));
    own.get("/", (c) => c.text(principalOf(c).subject));
    const response = await own.request("/", { headers: { authorization: `Bearer ${await app.token()}` } });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await problemOf(response)).toMatchObject({ code: "keys-unavailable" });
  });
});
