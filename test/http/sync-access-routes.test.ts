import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { principalOf, type SyncRoutesOptions } from "../../src/http/index.ts";
import { createTestApp, problemOf, type TestApp } from "./test-app.ts";

let app: TestApp;
beforeAll(async () => {
  const authorize: SyncRoutesOptions["authorize"] = async (c, { store, access }) => {
    if (store === "closed") return false;
    if (store === "read-only") return access === "read";
    return store === "confined" ? { scope: `${principalOf(c).subject}/` } : true;
  };
  app = await createTestApp({ sync: { authorize, limits: { maxMutations: 7 } } });
});
afterAll(() => app.close());

const put = (id: number, key: string) => ({ id, op: "put", key, value: id, base: 0 });

async function push(path: string, body: object, subject = "alice") {
  const response = await app.request("POST", path, { body, token: await app.token({ sub: subject }) });
  return { status: response.status, body: (await response.json()) as { results?: { status: string; why?: string }[] } };
}

async function keys(path: string, subject = "alice") {
  const response = await app.request("GET", path, { token: await app.token({ sub: subject }) });
  if (response.status !== 200) return (await problemOf(response))["code"];
  return ((await response.json()) as { changes: { key: string }[] }).changes.map(({ key }) => key);
}

describe("a caller who is confined to a scope", () => {
  it("reads and writes within it without naming it", async () => {
    const path = "/sync/v1/confined/push";
    expect(
      (await push(path, { client: "a", mutations: [put(1, "alice/1"), put(2, "bob/1")] })).body.results,
    ).toMatchObject([{ status: "applied" }, { status: "rejected", why: "scope" }]);
    await push(path, { client: "b", mutations: [put(1, "bob/1")] }, "bob");
    expect(await keys("/sync/v1/confined/pull")).toEqual(["alice/1"]);
    expect(await keys("/sync/v1/confined/pull", "bob")).toEqual(["bob/1"]);
  });

  it("may narrow it, and not leave it", async () => {
    await push("/sync/v1/confined/push?scope=alice/n", {
      client: "n",
      mutations: [put(1, "alice/n1"), put(2, "alice/m1")],
    });
    expect(await keys("/sync/v1/confined/pull?scope=alice/n")).toEqual(["alice/n1"]);
    for (const scope of ["bob/", "a", "alic"]) {
      expect(await keys(`/sync/v1/confined/pull?scope=${scope}`)).toBe("forbidden");
      expect((await push(`/sync/v1/confined/push?scope=${scope}`, { client: "n", mutations: [] })).status).toBe(403);
    }
  });

  it("may name it in the body of a push as well", async () => {
    const path = "/sync/v1/confined/push";
    const mutations = [put(1, "alice/x"), put(2, "alice/s/y")];
    const { body } = await push(path, { client: "s", scope: "alice/s/", mutations });
    expect(body.results).toMatchObject([{ status: "rejected" }, { status: "applied" }]);
    expect((await push(path, { client: "s", scope: "", mutations })).status).toBe(403);
    expect((await push(path, { client: "s", scope: ["alice/"], mutations })).status).toBe(403);
  });

  it("is told its scope", async () => {
    expect(await (await app.request("GET", "/sync/v1/confined")).json()).toMatchObject({ scope: "alice/" });
  });
});

describe("a decision", () => {
  it("closes a store, before anything is sent", async () => {
    app.takeStatements();
    for (const path of ["", "/pull", "/poke"]) {
      expect((await app.request("GET", `/sync/v1/closed${path}`)).status).toBe(403);
    }
    expect((await push("/sync/v1/closed/push", {})).status).toBe(403);
    expect(app.takeStatements()).toEqual([]);
  });

  it("tells reading from writing", async () => {
    expect(await keys("/sync/v1/read-only/pull")).toEqual([]);
    expect((await push("/sync/v1/read-only/push", { client: "a", mutations: [put(1, "a")] })).status).toBe(403);
  });

  it("comes after the token's scopes", async () => {
    const token = await app.token({ scope: "sync:write" });
    for (const path of ["", "/pull", "/poke"]) {
      const response = await app.request("GET", `/sync/v1/open${path}`, { token });
      expect(response.status).toBe(403);
      expect(await problemOf(response)).toMatchObject({ code: "insufficient-scope" });
    }
    const reader = await app.token({ scope: "sync:read" });
    expect((await app.request("POST", "/sync/v1/open/push", { token: reader, body: {} })).status).toBe(403);
  });
});

describe("GET /sync/v1/:store", () => {
  it("tells what the server speaks and takes, for one statement", async () => {
    await keys("/sync/v1/told/pull");
    app.takeStatements();
    const response = await app.request("GET", "/sync/v1/told");
    expect(app.takeStatements()).toHaveLength(1);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(await response.json()).toEqual({
      protocols: ["persist-sync/1"],
      store: "told",
      scope: "",
      head: "",
      epoch: null,
      serverTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      limits: {
        maxChanges: 1000,
        maxPageBytes: 1024 * 1024,
        maxMutations: 7,
        maxPushBytes: 1024 * 1024,
        maxValueBytes: 256 * 1024,
        maxWaitSeconds: 25,
      },
      operations: ["put", "delete", "merge", "append", "kv.set", "kv.delete"],
      conditions: ["base", "hlc", "assumed"],
    });
  });
});
