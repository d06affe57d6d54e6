import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pglite } from "../../src/driver/pglite.ts";
import type { Driver } from "../../src/driver.ts";
import { ConnectionError, PersistError } from "../../src/errors.ts";
import { httpReplica, type Replica, type SyncHandlerOptions, storeReplica, syncHandler } from "../../src/sync/index.ts";
import { describeReplica } from "../contract/replica.ts";

let driver: Driver;
beforeAll(() => {
  driver = pglite();
});
afterAll(() => driver.close());

const bearer = (request: Request) => request.headers.get("authorization")?.replace("Bearer ", "");

/** A handler for whoever says who he is. */
function handlerOver(shared: () => Driver, options: Partial<SyncHandlerOptions> = {}) {
  return syncHandler({
    authorize: (request) => {
      const principal = bearer(request);
      return principal === undefined ? new Response("who?", { status: 401 }) : { principal };
    },
    replica: (_, { store, principal = "" }) => storeReplica({ driver: shared(), store, principal }),
    ...options,
  });
}

describeReplica("a handler without a framework", async () => {
  const own = pglite();
  const handler = handlerOver(() => own);
  return {
    replica: (store, principal) => {
      const fetch = (url: string, init: RequestInit) => handler(new Request(url, init));
      return httpReplica("https://h/api", { store, authToken: principal, fetch });
    },
    close: () => own.close(),
  };
});

const get = (path: string, init: RequestInit = {}) =>
  new Request(`https://h${path}`, { headers: { authorization: "Bearer ada" }, ...init });
const push = (path: string, body: object) =>
  get(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { authorization: "Bearer ada", "content-type": "application/json" },
  });

describe("how long a page may be kept, and by whom", () => {
  const publicMaxAgeSeconds = (store: string) => ({ open: 30, "open/asked": 0 })[store];
  const cachingOf = async (handler: ReturnType<typeof handlerOver>, path: string, headers = {}) => {
    const response = await handler(get(path, { headers: { authorization: "Bearer ada", ...headers } }));
    const kept = [response.headers.get("cache-control"), response.headers.get("vary")];
    return { status: response.status, kept, etag: response.headers.get("etag") };
  };
  const isPrivate = ["private, no-cache", "Accept, Authorization"];

  it("is for its caller to say, unless the store is declared public", async () => {
    const handler = handlerOver(() => driver, { publicMaxAgeSeconds });
    expect((await cachingOf(handler, "/sync/v1/closed/pull")).kept).toEqual(isPrivate);
    expect((await cachingOf(handler, "/sync/v1/open/pull")).kept).toEqual(["public, max-age=30", "Accept"]);
    expect((await cachingOf(handler, "/sync/v1/open/pull?scope=a/")).kept).toEqual(["public, max-age=30", "Accept"]);
    expect((await cachingOf(handler, "/sync/v1/open%2Fasked/pull")).kept).toEqual(["public, no-cache", "Accept"]);
    expect(
      (
        await cachingOf(
          handlerOver(() => driver),
          "/sync/v1/open/pull",
        )
      ).kept,
    ).toEqual(isPrivate);
  });

  it("is the same for an answer that says that nothing was written since", async () => {
    const handler = handlerOver(() => driver, { publicMaxAgeSeconds });
    await handler(
      push("/sync/v1/open/push", { client: "c", mutations: [{ id: 1, op: "kv.set", key: "k", value: 1 }] }),
    );
    const { etag } = await cachingOf(handler, "/sync/v1/open/pull");
    const again = await cachingOf(handler, "/sync/v1/open/pull", { "if-none-match": etag });
    expect(again).toEqual({ status: 304, kept: ["public, max-age=30", "Accept"], etag });
  });

  it("is nobody else's business where the answer is for one caller", async () => {
    const handler = handlerOver(() => driver, {
      publicMaxAgeSeconds,
      authorize: () => ({ scope: "ada/", principal: "ada" }),
    });
    expect((await cachingOf(handler, "/sync/v1/open/pull")).kept).toEqual(isPrivate);
    expect((await cachingOf(handler, "/sync/v1/open/pull?scope=ada/")).kept).toEqual(isPrivate);
    const about = await cachingOf(
      handlerOver(() => driver, { publicMaxAgeSeconds }),
      "/sync/v1/open/pull?client=c",
    );
    expect(about.kept).toEqual(isPrivate);
  });
});

describe("a handler", () => {
  it("takes no push that a page of another site can send unasked: one that is not said to be JSON", async () => {
    const handler = handlerOver(() => driver);
    for (const type of [undefined, "text/plain"]) {
      const sent = get("/sync/v1/s/push", { method: "POST", body: new Blob(["{}"], type ? { type } : {}) });
      expect(sent.headers.get("content-type")).toBe(type ?? null);
      expect((await handler(sent)).status).toBe(415);
    }
  });

  it("waits no longer than it may", async () => {
    const handler = handlerOver(() => driver, { pokeWaitMs: () => 20 });
    expect(await (await handler(get("/sync/v1/s"))).json()).toMatchObject({ limits: { maxWaitSeconds: 0.02 } });
    expect((await handler(get("/sync/v1/s/poke?head=&wait=25"))).status).toBe(204);
  });

  it.each([
    ["GET", "/sync/v1/s", 200],
    ["GET", "/api/sync/v1/s/pull", 200],
    ["GET", "/sync/v1/pull", 200],
    ["GET", "/sync/v1/a%20b%2Fc/pull/", 200],
    ["GET", "/sync/v1/s/poke?wait=0", 200],
    ["HEAD", "/sync/v1/s/pull", 200],
    ["HEAD", "/sync/v1/s/poke", 405],
    ["POST", "/sync/v1/s/pull", 405],
    ["GET", "/sync/v1/s/push", 405],
    ["GET", "/sync/v1/s/drop", 404],
    ["GET", "/sync/v1/", 404],
    ["GET", "/sync/v1/%ff", 404],
    ["GET", "/", 404],
  ])("answers %s %s with %i", async (method, path, status) => {
    const response = await handlerOver(() => driver)(get(path, { method }));
    expect(response.status).toBe(status);
    if (method === "HEAD") expect(response.body).toBeNull();
    if (status === 405) expect(response.headers.get("allow")).toMatch(/^(GET|POST)$/);
  });

  it("gives the application's own refusal", async () => {
    const response = await handlerOver(() => driver)(new Request("https://h/sync/v1/s/pull"));
    expect([response.status, await response.text()]).toEqual([401, "who?"]);
  });

  it.each([
    [new PersistError("forbidden", "not you", { outcome: "not-sent" }), 403, false],
    [new ConnectionError("lost", { outcome: "unknown", retryAfterMs: 4000 }), 503, true],
    [new Error("broken"), 500, true],
  ])("answers what is thrown, %s, with %i", async (error, status, isReported) => {
    const reported: unknown[] = [];
    const report = (failure: unknown) => void reported.push(failure);
    const handler = handlerOver(() => driver, { authorize: () => Promise.reject(error), report });
    const response = await handler(get("/sync/v1/s/pull"));
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe(status === 503 ? "4" : null);
    expect(reported).toEqual(isReported ? [error] : []);
  });

  it("lets go of each replica once, and of none that it did not get", async () => {
    const released: Replica[] = [];
    const handler = handlerOver(() => driver, { release: (replica) => void released.push(replica) });
    await handler(get("/sync/v1/s/pull"));
    await handler(get("/sync/v1/s/pull?cursor=x"));
    expect(released).toHaveLength(2);
    await handler(new Request("https://h/sync/v1/s/pull"));
    expect(released).toHaveLength(2);

    const stream = await handler(
      get("/sync/v1/s/poke", { headers: { authorization: "Bearer a", accept: "text/event-stream" } }),
    );
    expect(released).toHaveLength(2);
    await stream.body?.cancel();
    await expect.poll(() => released.length).toBe(3);
  });

  it("stands in for another server", async () => {
    const behind = handlerOver(() => driver);
    const fetch = (url: string, init: RequestInit) => behind(new Request(url, init));
    const front = handlerOver(() => driver, {
      replica: (_, { store, principal }) => httpReplica("https://behind", { store, authToken: principal, fetch }),
    });
    const mutations = [{ id: 1, op: "put", key: "k", value: 1, base: 0 }];
    const pushed = await front(push("/sync/v1/through/push", { client: "c", mutations }));
    expect(await pushed.json()).toMatchObject({ results: [{ status: "applied" }] });
    const gap = { client: "c", mutations: [{ ...mutations[0], id: 9 }] };
    const refused = await front(push("/sync/v1/through/push", gap));
    expect(await refused.json()).toMatchObject({ status: 409, code: "gap", lastMutation: 1 });
    const pulled = await front(get("/sync/v1/through/pull"));
    expect(await pulled.json()).toMatchObject({ changes: [{ key: "k" }], more: false });
  });
});
