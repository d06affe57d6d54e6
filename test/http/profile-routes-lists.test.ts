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

describe("GET /profiles/v1?user_id=", () => {
  it("answers the user's profiles, private and not to be kept", async () => {
    for (const id of ["of-ada-1", "of-ada-2"]) {
      await app.request("PUT", `/profiles/v1/${id}`, { body: profile(id, { user_id: "ada & co" }) });
    }
    const response = await app.request("GET", `/profiles/v1?user_id=${encodeURIComponent("ada & co")}`);
    expect([response.status, response.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
    expect(await response.json()).toMatchObject([{ profile_id: "of-ada-1" }, { profile_id: "of-ada-2" }]);
    expect(await (await app.request("GET", "/profiles/v1?user_id=nobody")).json()).toEqual([]);
  });

  it("needs a user", async () => {
    expect((await app.request("GET", "/profiles/v1")).status).toBe(400);
    expect((await app.request("GET", "/profiles/v1?user_id=")).status).toBe(422);
  });
});

describe("GET /profiles/v1/:id/audit", () => {
  it("answers the log page by page, in both orders", async () => {
    for (const n of [1, 2, 3]) await app.request("PUT", "/profiles/v1/logged", { body: profile("logged", { n }) });
    const entries = async (query: string) => {
      const response = await app.request("GET", `/profiles/v1/logged/audit?${query}`);
      expect([response.status, response.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
      const page = (await response.json()) as { entries: { entry: number }[]; cursor: string | null };
      return { entries: page.entries.map(({ entry }) => entry), cursor: page.cursor };
    };
    expect(await entries("")).toEqual({ entries: [3, 2, 1], cursor: null });
    const first = await entries("limit=2&order=oldest");
    expect(first.entries).toEqual([1, 2]);
    expect(await entries(`limit=2&order=oldest&cursor=${first.cursor}`)).toEqual({ entries: [3], cursor: null });
  });

  it("says who did it in which request", async () => {
    const headers = { "x-request-id": "req-1", traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
    await app.request("PUT", "/profiles/v1/who", { body: profile("who"), headers });
    const page = await (await app.request("GET", "/profiles/v1/who/audit")).json();
    const payload = { actor: "alice", request_id: "req-1", trace_id: "a".repeat(32) };
    expect(page).toMatchObject({ entries: [{ action: "save", revision: 1, payload }] });
  });

  it.each(["limit=0", "limit=x", "limit=1001", "order=up", "cursor=x"])("refuses %s", async (query) => {
    app.takeStatements();
    const response = await app.request("GET", `/profiles/v1/logged/audit?${query}`);
    expect(response.status).toBe(422);
    expect(await problemOf(response)).toMatchObject({ code: "validation" });
    expect(app.takeStatements()).toEqual([]);
  });
});
