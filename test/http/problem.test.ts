import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ConnectionError, PersistError, TimeoutError } from "../../src/errors.ts";
import { createTestApp, problemOf, type TestApp } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterEach(() => app.failWith(undefined));
afterAll(() => app.close());

const secret = "postgresql://u:hunter2@host/db";

describe("an error of the database", () => {
  it.each([
    [new ConnectionError(secret, { outcome: "unknown" }), 503, "connection", "1"],
    [new ConnectionError(secret, { outcome: "not-sent", retryAfterMs: 2500 }), 503, "connection", "3"],
    [new ConnectionError(secret, { outcome: "not-sent", retryable: false }), 503, "connection", null],
    [new TimeoutError(secret, { outcome: "unknown" }), 504, "timeout", "1"],
    [new PersistError("database", secret, { outcome: "rejected", sqlstate: "42501" }), 500, "database", null],
    [
      new PersistError("database", secret, { outcome: "rejected", sqlstate: "40001", retryable: true }),
      503,
      "database",
      "1",
    ],
    [new PersistError("migration", secret, { outcome: "rejected" }), 500, "migration", null],
    [new PersistError("closed", secret, { outcome: "not-sent" }), 500, "closed", null],
    [new Error(secret), 500, "internal", null],
  ])("%o becomes a problem without its message", async (error, status, code, retryAfter) => {
    app.failWith(error);
    const reported = app.reported.length;
    const response = await app.request("GET", "/profiles/v1/ada");
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe(retryAfter);
    expect(app.reported.slice(reported)).toEqual([error]);
    const problem = await problemOf(response);
    expect(problem["code"]).toBe(code);
    if (error instanceof PersistError) expect(problem["outcome"]).toBe(error.outcome);
    expect(JSON.stringify(problem)).not.toMatch(/hunter2|host/);
  });

  it("that a cursor is of a history which was replaced is 410, with its message", async () => {
    app.failWith(new PersistError("resync", "read from the start", { outcome: "rejected" }));
    const response = await app.request("GET", "/profiles/v1/ada");
    expect(response.status).toBe(410);
    expect(await problemOf(response)).toMatchObject({ code: "resync", title: "Gone", detail: "read from the start" });
  });

  it("is not reported when it is the caller's doing", async () => {
    const reported = app.reported.length;
    await app.request("GET", "/profiles/v1/nobody");
    await app.request("PUT", "/profiles/v1/nobody", { body: {} });
    expect(app.reported).toHaveLength(reported);
  });
});

describe("GET /healthz", () => {
  it("needs no token", async () => {
    const response = await app.request("GET", "/healthz", { token: null });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok", driver: "pglite" });
  });

  it("answers 503 when the database cannot be reached", async () => {
    app.failWith(new ConnectionError("refused", { outcome: "not-sent" }));
    expect((await app.request("GET", "/healthz", { token: null })).status).toBe(503);
  });
});

describe("the driver of a request", () => {
  it("is closed, whatever became of the request", async () => {
    await app.request("GET", "/profiles/v1/nobody");
    app.failWith(new Error("broken"));
    await app.request("GET", "/profiles/v1/nobody");
    expect(app.drivers.opened).toBeGreaterThan(1);
    expect(app.drivers.closed).toBe(app.drivers.opened);
  });
});
