import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestApp, problemOf, type TestApp } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app.close());

const put = (id: number, key: string, value: unknown, base = 0) => ({ id, op: "put", key, value, base });
const push = (store: string, body: unknown, token?: string) =>
  app.request("POST", `/sync/v1/${store}/push`, { body, ...(token !== undefined && { token }) });
const pull = (store: string, query = "", token?: string) =>
  app.request("GET", `/sync/v1/${store}/pull${query}`, token === undefined ? {} : { token });

describe("push and pull", () => {
  it("carry a record from one device to another", async () => {
    const pushed = await push("notes", { client: "a", mutations: [put(1, "n1", { text: "hello" })] });
    expect(pushed.status).toBe(200);
    expect(pushed.headers.get("cache-control")).toBe("private, no-store");
    expect(await pushed.json()).toEqual({
      results: [{ id: 1, status: "applied", version: 1, seq: "0:1" }],
      lastMutation: 1,
      head: "0:1",
    });

    const pulled = await pull("notes");
    expect(pulled.headers.get("cache-control")).toBe("private, no-cache");
    const page = (await pulled.json()) as { cursor: string };
    expect(page).toMatchObject({
      changes: [{ kind: "record", key: "n1", value: { text: "hello" }, by: { client: "a", mutation: 1 } }],
      more: false,
      head: "0:1",
    });
    expect(await (await pull("notes", `?cursor=${page.cursor}&limit=1`)).json()).toMatchObject({ changes: [] });
  });

  it("keep stores apart", async () => {
    await push("one", { client: "a", mutations: [put(1, "k", 1)] });
    expect(await (await pull("two")).json()).toMatchObject({ changes: [] });
    const { cursor } = (await (await pull("one")).json()) as { cursor: string };
    const response = await pull("two", `?cursor=${cursor}`);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code: "malformed" });
  });

  it("cost one statement each", async () => {
    await pull("counted");
    app.takeStatements();
    await push("counted", { client: "a", mutations: [put(1, "k", 1)] });
    expect(app.takeStatements()).toHaveLength(1);
    await pull("counted");
    expect(app.takeStatements()).toHaveLength(1);
  });
});

describe("refusals", () => {
  it("409 gap says what arrived last", async () => {
    await push("gappy", { client: "a", mutations: [put(1, "k", 1)] });
    const response = await push("gappy", { client: "a", mutations: [put(3, "k", 1)] });
    expect(response.status).toBe(409);
    expect(await problemOf(response)).toMatchObject({ code: "gap", lastMutation: 1 });
  });

  it("409 unknown-client", async () => {
    const response = await push("gappy", { client: "nobody", mutations: [put(2, "k", 1)] });
    expect(response.status).toBe(409);
    expect(await problemOf(response)).toMatchObject({ code: "unknown-client" });
  });

  it("403 for the client id of another principal", async () => {
    await push("owned", { client: "a", mutations: [put(1, "k", 1)] });
    const mallory = await app.token({ sub: "mallory" });
    const response = await push("owned", { client: "a", mutations: [put(2, "k", 1)] }, mallory);
    expect(response.status).toBe(403);
    expect(await problemOf(response)).toMatchObject({ code: "client-forbidden" });
  });

  it("410 resync says why", async () => {
    await push("short", { client: "a", mutations: [put(1, "k", 1), put(2, "k", 2, 1)] });
    const page = (await (await pull("short")).json()) as { cursor: string };
    const content = JSON.parse(atob(page.cursor)) as { p: [number, string][] };
    const ahead = btoa(JSON.stringify({ ...content, p: [[0, "99"]] })).replace(/=+$/, "");
    const response = await pull("short", `?cursor=${ahead}`);
    expect(response.status).toBe(410);
    expect(await problemOf(response)).toMatchObject({ code: "resync", why: "rewind" });
  });

  it.each([
    ["not JSON", "{", 400, "malformed"],
    ["null", "null", 422, "validation"],
    ["an array", "[]", 422, "validation"],
    ["no mutations", { client: "a", mutations: [] }, 422, "validation"],
    ["a hole in the ids", { client: "a", mutations: [put(1, "a", 1), put(3, "b", 1)] }, 422, "validation"],
    ["a damaged cursor", { client: "a", cursor: "?", mutations: [put(1, "a", 1)] }, 422, "validation"],
    ["too many bytes", `"${"x".repeat(1_100_000)}"`, 413, "too-large"],
  ])("of a push: %s", async (_, body, status, code) => {
    app.takeStatements();
    const response = await push("refusing", body);
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ code });
    expect(app.takeStatements()).toEqual([]);
  });

  it("410 resync to a push, with a cursor that cannot be continued", async () => {
    await push("pushed", { client: "a", mutations: [put(1, "k", 1)] });
    const { cursor } = (await (await pull("pushed")).json()) as { cursor: string };
    const content = JSON.parse(atob(cursor)) as object;
    const foreign = btoa(JSON.stringify({ ...content, e: crypto.randomUUID() })).replace(/=+$/, "");
    const response = await push("pushed", { client: "a", cursor: foreign, mutations: [put(2, "k", 2, 1)] });
    expect(response.status).toBe(410);
    expect(await problemOf(response)).toMatchObject({ code: "resync", why: "epoch" });
  });

  it("415 to a push that is not said to be JSON", async () => {
    const headers = { "content-type": "text/plain" };
    expect((await app.request("POST", "/sync/v1/refusing/push", { body: "{}", headers })).status).toBe(415);
  });

  it.each(["?limit=0", "?limit=1001", "?limit=ten", "?limit=-1", "?limit=", "?cursor=%3F", "?scope=%00", "?client="])(
    "of a pull: 400 to %s",
    async (query) => {
      const response = await pull("refusing", query);
      expect(response.status).toBe(400);
      expect(await problemOf(response)).toMatchObject({ code: "malformed" });
    },
  );
});

describe("stores of a token", () => {
  it.each([
    { claims: { stores: ["notes", "other"] }, allowed: true },
    { claims: { stores: ["other"] }, allowed: false },
    { claims: { stores: [] }, allowed: false },
    { claims: { stores: "notes" }, allowed: false },
    { claims: { stores: undefined }, allowed: false },
    { claims: { tenant: "acme", stores: ["notes"] }, allowed: true },
    { claims: { tenant: "acme", stores: ["*"] }, allowed: false },
  ])("$claims reach notes: $allowed", async ({ claims, allowed }) => {
    app.takeStatements();
    const token = await app.token(claims);
    expect((await pull("notes", "", token)).status).toBe(allowed ? 200 : 403);
    expect((await app.request("GET", "/sync/v1/notes", { token })).status).toBe(allowed ? 200 : 403);
    expect((await app.request("GET", "/sync/v1/notes/poke?wait=0", { token })).status).toBe(allowed ? 200 : 403);
    expect((await push("notes", { client: "z", mutations: [] }, token)).status).toBe(allowed ? 422 : 403);
    expect(app.takeStatements()).toHaveLength(allowed ? 3 : 0);
  });
});
