import { expect } from "vitest";

/** A request as a client means it; how it reaches the worker is the platform's affair. */
export interface PlainRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface PlainAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export type Send = (request: PlainRequest) => Promise<PlainAnswer>;

/** A client with a token. */
export interface Client {
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<PlainAnswer>;
  send(method: string, path: string, body: unknown): Promise<PlainAnswer>;
}

export function client(send: Send, bearer: string): Client {
  const authorization = `Bearer ${bearer}`;
  return {
    get: (path, headers = {}) => send({ method: "GET", path, headers: { authorization, ...headers } }),
    send: (method, path, body) =>
      send({
        method,
        path,
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}

/** What every platform must answer: health, a profile and its 304, sync, and what is refused. `name` is of nobody else. */
export async function expectConversation(send: Send, { bearer, driver, name }: Conversation): Promise<void> {
  const { get, send: sendJson } = client(send, bearer);
  expect(await send({ method: "GET", path: "/healthz", headers: {} })).toMatchObject({
    status: 200,
    body: `{"status":"ok","driver":"${driver}"}\n`,
  });

  const profile = { profile_id: name, user_id: "u", motto: "l’été \u{1f409} \u2028" };
  const put = await sendJson("PUT", `/profiles/v1/${name}`, profile);
  expect(put).toMatchObject({ status: 201, body: `{"profile_id":"${name}","revision":1}\n` });
  const got = await get(`/profiles/v1/${name}`);
  expect(JSON.parse(got.body)).toEqual({ ...profile, metadata: { revision: 1 } });
  expect(got.headers.get("content-type")).toBe("application/json");
  expect(got.headers.get("cache-control")).toBe("private, no-cache");
  const known = await get(`/profiles/v1/${name}`, { "if-none-match": got.headers.get("etag") ?? "" });
  expect(known).toMatchObject({ status: 304, body: "" });
  const found = await get(`/profiles/v1?user_id=${encodeURIComponent("nobody & co")}`);
  expect(found).toMatchObject({ status: 200, body: "[]\n" });

  const mutations = [1, 2].map((id) => ({ id, op: "put", key: `k${id}`, value: profile, base: 0 }));
  const pushed = await sendJson("POST", `/sync/v1/${name}/push`, { client: name, mutations });
  expect(JSON.parse(pushed.body)).toMatchObject({ results: [{ status: "applied" }, { status: "applied" }] });
  const first = JSON.parse((await get(`/sync/v1/${name}/pull?limit=1`)).body);
  expect(first).toMatchObject({ changes: [{ value: profile }], more: true });
  const next = await get(`/sync/v1/${name}/pull?limit=5&cursor=${encodeURIComponent(first.cursor)}`);
  expect(JSON.parse(next.body)).toMatchObject({ changes: [{ value: profile }], more: false });
  const lines = await get(`/sync/v1/${name}/pull`, { accept: "application/x-ndjson" });
  expect(lines.headers.get("content-type")).toBe("application/x-ndjson");
  expect(lines.body).toContain(profile.motto.slice(0, 5));

  const anonymous = await send({ method: "GET", path: `/profiles/v1/${name}`, headers: {} });
  expect(anonymous).toMatchObject({ status: 401, body: expect.stringContaining('"code":"unauthorized"') });
  expect(await get("/nowhere")).toMatchObject({ status: 404, body: expect.stringContaining('"code":"not-found"') });
}

export interface Conversation {
  readonly bearer: string;
  readonly driver: string;
  readonly name: string;
}
