import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestApp, type TestApp } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await createTestApp({ sync: { limits: { maxChanges: 500 } } });
});
afterAll(() => app.close());

const pull = (store: string, query = "", headers: Record<string, string> = {}) =>
  app.request("GET", `/sync/v1/${store}/pull${query}`, { headers });

async function put(store: string, id: number, ...keys: readonly string[]): Promise<void> {
  const mutations = keys.map((key, index) => ({ id: id + index, op: "put", key, value: { key }, base: 0 }));
  const response = await app.request("POST", `/sync/v1/${store}/push`, { body: { client: "a", mutations } });
  expect(response.status).toBe(200);
}

describe("a pull line by line", () => {
  const accept = "application/x-ndjson";

  it("has a change on each line and the rest of the page on the last", async () => {
    await put("lines", 1, "a", "b\n", "c");
    const page = (await (await pull("lines", "?limit=2")).json()) as { changes: unknown[]; cursor: string };
    const response = await pull("lines", "?limit=2", { accept });
    expect(response.headers.get("content-type")).toBe(accept);
    const text = await response.text();
    expect(text.endsWith("\n")).toBe(true);
    const [first, second, end, ...rest] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect([first, second]).toEqual(page.changes);
    expect(end).toMatchObject({ end: true, cursor: page.cursor, more: true, head: "0:3" });
    expect(rest).toEqual([]);
  });

  it("is one line when there is nothing", async () => {
    const text = await (await pull("nothing", "", { accept })).text();
    expect(
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ end: true, more: false }]);
  });

  it("leaves the body to be read piece by piece", async () => {
    const keys = Array.from({ length: 300 }, (_, index) => `${index}`.padStart(300, "k"));
    await put("pieces", 1, ...keys);
    const { body } = await pull("pieces", "", { accept });
    let pieces = 0;
    for await (const _ of body ?? []) pieces += 1;
    expect(pieces).toBeGreaterThan(3);
  });

  it("fails as a problem, like any other", async () => {
    const response = await pull("lines", "?cursor=x", { accept });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe("the entity-tag of a page", () => {
  it("brings 304 while nothing is written, for one statement", async () => {
    await put("tagged", 1, "a");
    const first = await pull("tagged");
    expect(first.headers.get("vary")).toBe("Accept, Authorization");
    const etag = String(first.headers.get("etag"));
    app.takeStatements();

    const second = await pull("tagged", "", { "if-none-match": etag });
    expect(app.takeStatements()).toHaveLength(1);
    expect(second.status).toBe(304);
    expect(await second.text()).toBe("");
    expect(second.headers.get("etag")).toBe(etag);
    expect(second.headers.get("cache-control")).toBe("private, no-cache");
    expect(second.headers.get("vary")).toBe("Accept, Authorization");

    await put("tagged", 2, "b");
    const third = await pull("tagged", "", { "if-none-match": etag });
    expect(third.status).toBe(200);
    expect(await third.json()).toMatchObject({ changes: [{ key: "a" }, { key: "b" }] });
    expect(third.headers.get("etag")).not.toBe(etag);
  });

  it("is the same for lines, and good among others", async () => {
    await put("among", 1, "a");
    const etag = String((await pull("among", "", { accept: "application/x-ndjson" })).headers.get("etag"));
    const response = await pull("among", "", { "if-none-match": `"x", W/"y/z", ${etag}, "%%%/%/"` });
    expect(response.status).toBe(304);
  });

  it("is another for another scope", async () => {
    await put("scoped", 1, "a/1", "b/1");
    const etag = String((await pull("scoped", "?scope=a/")).headers.get("etag"));
    expect((await pull("scoped", "?scope=a/", { "if-none-match": etag })).status).toBe(304);
    expect((await pull("scoped", "", { "if-none-match": etag })).status).toBe(200);
    expect((await pull("scoped", "?scope=b/", { "if-none-match": etag })).status).toBe(200);
  });

  it("is not believed when it is of another history", async () => {
    await put("history", 1, "a");
    const etag = String((await pull("history")).headers.get("etag"));
    const foreign = etag.replace(/[0-9a-f-]{36}/, crypto.randomUUID());
    expect(foreign).not.toBe(etag);
    expect((await pull("history", "", { "if-none-match": foreign })).status).toBe(200);
    expect((await pull("history", "", { "if-none-match": "*" })).status).toBe(200);
  });

  it("is not given with what was taken of a client, which it does not stand for", async () => {
    await put("clients", 1, "a");
    const response = await pull("clients", "?client=a");
    expect(response.headers.get("etag")).toBeNull();
    expect(await response.json()).toMatchObject({ lastMutation: 1 });
  });
});

describe("the limit of a pull", () => {
  it("is the server's when the client names none", async () => {
    expect((await pull("lines", "?limit=500")).status).toBe(200);
    expect((await pull("lines", "?limit=501")).status).toBe(400);
    expect((await pull("lines")).status).toBe(200);
  });
});
