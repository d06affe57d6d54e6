import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestApp, problemOf, type TestApp } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
  await app.request("PUT", "/profiles/v1/warm-up", { body: profile("warm-up") });
});
afterAll(() => app.close());

function profile(id: string, parts: Record<string, unknown> = {}) {
  return { profile_id: id, user_id: "u1", ...parts };
}

describe("PUT /profiles/v1/:id", () => {
  it("answers 201 for a new profile and 200 for the next revision, with its entity-tag", async () => {
    const first = await app.request("PUT", "/profiles/v1/new", { body: profile("new") });
    expect([first.status, first.headers.get("etag")]).toEqual([201, '"1"']);
    expect(await first.json()).toEqual({ profile_id: "new", revision: 1 });
    const second = await app.request("PUT", "/profiles/v1/new", { body: profile("new") });
    expect([second.status, second.headers.get("etag")]).toEqual([200, '"2"']);
  });

  it.each([
    ["if-match", '"1"', 200],
    ["if-match", '"2"', 412],
    ["if-match", 'W/"1"', 412],
    ["if-match", '"nothing-of-ours"', 412],
    ["if-match", "*", 200],
    ["if-match", '"1", "2"', 400],
    ["if-none-match", "*", 412],
    ["if-none-match", '"1"', 400],
  ])("with %s: %s on revision 1 answers %i", async (header, value, status) => {
    const id = encodeURIComponent(`conditional ${header} ${value}`);
    const body = profile(decodeURIComponent(id));
    await app.request("PUT", `/profiles/v1/${id}`, { body });
    const response = await app.request("PUT", `/profiles/v1/${id}`, { body, headers: { [header]: value } });
    expect(response.status).toBe(status);
    if (status === 412 && value === '"2"') expect(await problemOf(response)).toMatchObject({ currentVersion: 1 });
  });

  it("with If-Match on a profile that does not exist answers 412", async () => {
    const options = { body: profile("none"), headers: { "if-match": "*" } };
    const response = await app.request("PUT", "/profiles/v1/none", options);
    expect(response.status).toBe(412);
    expect(await problemOf(response)).toMatchObject({ code: "conflict", currentVersion: 0 });
    expect((await app.request("GET", "/profiles/v1/none")).status).toBe(404);
  });

  it.each([
    ["a body that is not JSON", "{", 400, "malformed"],
    ["another id in the body", profile("other"), 422, "validation"],
    ["no object", "3", 422, "validation"],
    ["no user_id", { profile_id: "bad" }, 422, "validation"],
    ["NUL in a part", profile("bad", { part: "\0" }), 422, "validation"],
    ["a body over the limit", profile("bad", { part: "x".repeat(1024 * 1024) }), 413, "too-large"],
  ])("refuses %s", async (_, body, status, code) => {
    app.takeStatements();
    const response = await app.request("PUT", "/profiles/v1/bad", { body });
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ code });
    expect(app.takeStatements()).toEqual([]);
  });

  it("refuses a body of another type", async () => {
    const headers = { "content-type": "text/plain" };
    const response = await app.request("PUT", "/profiles/v1/bad", { body: profile("bad"), headers });
    expect(response.status).toBe(415);
  });
});

describe("GET /profiles/v1/:id", () => {
  beforeAll(() => app.request("PUT", "/profiles/v1/ada", { body: profile("ada", { likes: ["maps"] }) }));

  it("answers the document as it was saved, private and to be asked for again", async () => {
    const response = await app.request("GET", "/profiles/v1/ada");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(profile("ada", { likes: ["maps"], metadata: { revision: 1 } }));
    expect(Object.fromEntries(response.headers)).toEqual({
      "cache-control": "private, no-cache",
      "content-type": "application/json",
      etag: '"1"',
      vary: "Authorization",
    });
  });

  it.each(['"1"', 'W/"1"', "*", '"7", W/"1"', '"a,b","1"'])("answers 304 to If-None-Match: %s", async (tag) => {
    const response = await app.request("GET", "/profiles/v1/ada", { headers: { "if-none-match": tag } });
    expect(response.status).toBe(304);
    expect(await response.text()).toBe("");
    expect(response.headers.get("etag")).toBe('"1"');
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
  });

  it.each(['"2"', '"x"', "1", ""])("answers the document to If-None-Match: %j", async (tag) => {
    const response = await app.request("GET", "/profiles/v1/ada", { headers: { "if-none-match": tag } });
    expect(response.status).toBe(200);
  });

  it("answers 404, also to If-None-Match: *", async () => {
    for (const options of [{}, { headers: { "if-none-match": "*" } }]) {
      const response = await app.request("GET", "/profiles/v1/nobody", options);
      expect(response.status).toBe(404);
      expect(await problemOf(response)).toMatchObject({ code: "not-found" });
    }
  });

  it("lets a client keep a profile for as long as the application says", async () => {
    const patient = await createTestApp({ maxAgeSeconds: 60 });
    await patient.request("PUT", "/profiles/v1/ada", { body: profile("ada") });
    const response = await patient.request("GET", "/profiles/v1/ada");
    expect(response.headers.get("cache-control")).toBe("private, max-age=60");
    await patient.close();
  });
});

describe("PUT /profiles/v1/:id with Idempotency-Key", () => {
  const put = (id: string, key: string, parts = {}) =>
    app.request("PUT", `/profiles/v1/${id}`, { body: profile(id, parts), headers: { "idempotency-key": key } });

  it("is done once, and answers the same again", async () => {
    const first = await put("once", '"key-1"');
    expect([first.status, await first.json()]).toEqual([201, { profile_id: "once", revision: 1 }]);
    for (const key of ['"key-1"', "key-1"]) {
      const again = await put("once", key);
      expect([again.status, again.headers.get("etag"), await again.json()]).toEqual([
        200,
        '"1"',
        { profile_id: "once", revision: 1 },
      ]);
    }
    expect(await (await put("once", '"key-2"')).json()).toEqual({ profile_id: "once", revision: 2 });
  });

  it("answers 409 when the key was used for another document", async () => {
    await put("reused", '"key-1"');
    const response = await put("reused", '"key-1"', { another: true });
    expect(response.status).toBe(409);
    expect(await problemOf(response)).toMatchObject({ code: "key-reused", outcome: "rejected" });
    expect((await put("reused-not", '"key-1"', { another: true })).status).toBe(201);
  });

  it.each(['""', '"a', "a b", `"${"k".repeat(256)}"`, '"a"b"'])("refuses the key %s", async (key) => {
    app.takeStatements();
    const response = await put("refused", key);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code: "malformed" });
    expect(app.takeStatements()).toEqual([]);
  });
});

describe("DELETE /profiles/v1/:id", () => {
  it("answers 204, and 404 from then on; a later PUT makes it anew with the next revision", async () => {
    await app.request("PUT", "/profiles/v1/gone", { body: profile("gone") });
    const response = await app.request("DELETE", "/profiles/v1/gone");
    expect([response.status, await response.text()]).toEqual([204, ""]);
    const again = await app.request("DELETE", "/profiles/v1/gone");
    expect(again.status).toBe(404);
    expect(await problemOf(again)).toMatchObject({ code: "not-found" });
    expect((await app.request("GET", "/profiles/v1/gone")).status).toBe(404);

    const headers = { "if-none-match": "*" };
    const anew = await app.request("PUT", "/profiles/v1/gone", { body: profile("gone"), headers });
    expect([anew.status, anew.headers.get("etag")]).toEqual([201, '"2"']);
  });

  it.each([
    ['"1"', 204],
    ["*", 204],
    ['"2"', 412],
    ['W/"1"', 412],
    ['"1", "2"', 400],
  ])("with If-Match: %s on revision 1 answers %i", async (value, status) => {
    const path = `/profiles/v1/${encodeURIComponent(`delete ${value}`)}`;
    await app.request("PUT", path, { body: profile(`delete ${value}`) });
    const response = await app.request("DELETE", path, { headers: { "if-match": value } });
    expect(response.status).toBe(status);
    if (value === '"2"') expect(await problemOf(response)).toMatchObject({ code: "conflict", currentVersion: 1 });
  });

  it("with If-Match: * on a profile that does not exist answers 412", async () => {
    const response = await app.request("DELETE", "/profiles/v1/nobody", { headers: { "if-match": "*" } });
    expect(response.status).toBe(412);
  });
});

describe("a caller with a tenant", () => {
  it("reads and writes profiles of that tenant alone", async () => {
    const acme = await app.token({ tenant: "acme" });
    const other = await app.token({ tenant: "other" });
    const put = (id: string, token: string, tenant_id?: string) =>
      app.request("PUT", `/profiles/v1/${id}`, { token, body: profile(id, tenant_id ? { tenant_id } : {}) });

    expect((await put("acme-1", acme, "acme")).status).toBe(201);
    expect((await put("acme-1", other, "acme")).status).toBe(403);
    expect((await put("acme-1", other, "other")).status).toBe(403);
    expect((await put("acme-2", acme)).status).toBe(403);
    expect((await app.request("GET", "/profiles/v1/acme-1", { token: acme })).status).toBe(200);
    expect((await app.request("GET", "/profiles/v1/acme-1", { token: other })).status).toBe(404);
    const headers = { "if-none-match": "*" };
    expect((await app.request("GET", "/profiles/v1/acme-1", { token: other, headers })).status).toBe(404);
    expect(await problemOf(await put("acme-1", other, "other"))).toMatchObject({ code: "forbidden" });

    const find = async (token: string) => (await app.request("GET", "/profiles/v1?user_id=u1", { token })).json();
    expect(await find(acme)).toMatchObject([{ profile_id: "acme-1" }]);
    expect(await find(other)).toEqual([]);
    const log = await app.request("GET", "/profiles/v1/acme-1/audit", { token: other });
    expect(await log.json()).toEqual({ entries: [], cursor: null });
    expect((await app.request("DELETE", "/profiles/v1/acme-1", { token: other })).status).toBe(404);
    expect((await app.request("DELETE", "/profiles/v1/acme-1", { token: acme })).status).toBe(204);
  });
});

describe("a caller without the scope", () => {
  it.each([
    ["profiles:write", "GET", "/profiles/v1/ada"],
    ["profiles:write", "GET", "/profiles/v1?user_id=u1"],
    ["profiles:write", "GET", "/profiles/v1/ada/audit"],
    ["profiles:read", "PUT", "/profiles/v1/ada"],
    ["profiles:read", "DELETE", "/profiles/v1/ada"],
  ])("with only %s gets 403 for %s %s", async (scope, method, path) => {
    const response = await app.request(method, path, { token: await app.token({ scope }) });
    expect(response.status).toBe(403);
    expect(await problemOf(response)).toMatchObject({ code: "insufficient-scope" });
  });
});

describe("one round trip", () => {
  it.each([
    ["PUT", "/profiles/v1/ada", { body: profile("ada") }],
    ["GET", "/profiles/v1/ada", {}],
    ["GET", "/profiles/v1/ada", { headers: { "if-none-match": "*" } }],
    ["GET", "/profiles/v1/nobody", {}],
    ["GET", "/profiles/v1?user_id=u1", {}],
    ["GET", "/profiles/v1/ada/audit?limit=1", {}],
    ["DELETE", "/profiles/v1/ada", {}],
    ["GET", "/healthz", {}],
  ])("is all that %s %s costs", async (method, path, options) => {
    app.takeStatements();
    await app.request(method, path, options);
    expect(app.takeStatements()).toHaveLength(1);
  });
});
