import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { type HttpReplicaOptions, httpReplica } from "../../src/sync/index.ts";
import { failureOf } from "../contract/store.ts";

const emptyPage = { changes: [], cursor: "c", more: false, head: "" };
const place = { head: "0:1", epoch: "e" };

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

/** A replica whose requests are kept, and answered with JSON. */
function listening(url: string, answer: unknown, options: HttpReplicaOptions = {}) {
  const sent: Sent[] = [];
  const fetch = (to: string, init: RequestInit) => {
    sent.push({ url: to, init });
    return Response.json(answer);
  };
  return { sent, replica: httpReplica(url, { fetch, ...options }) };
}

describe("the address", () => {
  it.each([
    ["https://h/sync/v1/quakes", undefined, "https://h/sync/v1/quakes/pull?limit=1"],
    ["https://h/sync/v1/quakes/", undefined, "https://h/sync/v1/quakes/pull?limit=1"],
    ["https://h/api/sync/v1/quakes?key=k#x", undefined, "https://h/api/sync/v1/quakes/pull?key=k&limit=1"],
    ["https://h", "quakes", "https://h/sync/v1/quakes/pull?limit=1"],
    ["http://h:1/api/", "a b/ü", "http://h:1/api/sync/v1/a%20b%2F%C3%BC/pull?limit=1"],
    ["https://h/sync/v1", "quakes", "https://h/sync/v1/quakes/pull?limit=1"],
    ["https://h/sync/v1/quakes", "quakes", "https://h/sync/v1/quakes/pull?limit=1"],
  ])("%s with store %s leads to %s", async (url, store, expected) => {
    const { replica, sent } = listening(url, emptyPage, { store });
    await replica.pull(null, 1);
    expect(sent.map((request) => request.url)).toEqual([expected]);
  });

  it.each([
    ["nowhere?secret", undefined],
    ["ftp://secret/sync/v1/a", undefined],
    ["https://secret:secret@h/sync/v1/a", undefined],
    ["https://secret.example", undefined],
    ["https://secret.example", ""],
    ["https://secret.example/sync/v1/a", "b"],
  ])("%s with store %s is refused, and not shown", (url, store) => {
    expect(() => httpReplica(url, { store })).toThrow(ValidationError);
    expect(() => httpReplica(url, { store })).not.toThrow(/secret/);
  });
});

describe("what is sent", () => {
  it("is the token, asked for each time, and the headers of the application", async () => {
    let tokens = 0;
    const { replica, sent } = listening("https://h/sync/v1/s", emptyPage, {
      authToken: async () => `t${++tokens}`,
      headers: { "x-app": "1" },
    });
    await replica.pull(null, 1);
    await replica.pull("c", 2, { scope: "a b", client: "me" });
    const headers = sent.map(({ init }) => Object.fromEntries(new Headers(init.headers)));
    const accept = "application/x-ndjson";
    expect(headers).toEqual([
      { accept, authorization: "Bearer t1", "x-app": "1" },
      { accept, authorization: "Bearer t2", "x-app": "1" },
    ]);
    expect(sent[1]?.url).toBe("https://h/sync/v1/s/pull?cursor=c&limit=2&scope=a+b&client=me");
    expect(sent[0]?.init).toMatchObject({ method: "GET", redirect: "manual", cache: "no-store" });
  });

  it("is a batch with its scope in the address, and the same bytes each time", async () => {
    const answer = { results: [{ id: 1, status: "applied", version: 1, seq: "0:1" }], lastMutation: 1, head: "0:1" };
    const { replica, sent } = listening("https://h/sync/v1/s", answer, { scope: "mine/", authToken: "t" });
    const mutation = { id: 1, op: "merge", key: "k", value: { a: [1] }, base: undefined } as const;
    const batch = { client: "c", cursor: undefined, ack: 0, mutations: [mutation] };
    expect(await replica.push(batch)).toEqual(answer);
    await replica.push({ ...batch, scope: "mine/a" });
    expect(sent.map(({ url }) => url)).toEqual([
      "https://h/sync/v1/s/push?scope=mine%2F",
      "https://h/sync/v1/s/push?scope=mine%2Fa",
    ]);
    const body = '{"client":"c","ack":0,"mutations":[{"id":1,"op":"merge","key":"k","value":{"a":[1]}}]}';
    expect(sent.map(({ init }) => init.body)).toEqual([body, body]);
    expect(new Headers(sent[0]?.init.headers).get("content-type")).toBe("application/json");
  });

  it("is a poke with what is known", async () => {
    const { replica, sent } = listening("https://h/sync/v1/s", place);
    expect(await replica.poke(null)).toEqual(place);
    await replica.poke("0:1", { waitMs: 1500 });
    await replica.poke(place, { waitMs: 0 });
    expect(sent.map(({ url }) => new URL(url).search)).toEqual([
      "?wait=25",
      "?head=0%3A1&wait=1.5",
      "?head=0%3A1&epoch=e&wait=0",
    ]);
    const still = httpReplica("https://h/sync/v1/s", { fetch: () => new Response(null, { status: 204 }) });
    expect(await still.poke("0:1")).toBeNull();
  });

  it("goes through the runtime's fetch as it is at the time of the call", async () => {
    const replica = httpReplica("https://h/sync/v1/s");
    const { fetch } = globalThis;
    try {
      globalThis.fetch = async () => Response.json({ ...place, serverTime: "now", more: 1 });
      expect(await replica.head()).toEqual({ ...place, serverTime: "now" });
    } finally {
      globalThis.fetch = fetch;
    }
  });
});

describe("what cannot be sent", () => {
  it.each([["a b"], ["ü"], ["secret\nx"], [7 as unknown as string]])(
    "the token %j is refused, and not shown",
    async (token) => {
      const { replica, sent } = listening("https://h/sync/v1/s", emptyPage, { authToken: token });
      const error = await failureOf(replica.head());
      expect(error).toMatchObject({ code: "validation", outcome: "not-sent" });
      expect(String(error)).not.toContain("secret");
      expect(sent).toEqual([]);
    },
  );

  it("a header is refused, and not shown", () => {
    expect(() => httpReplica("https://h/sync/v1/s", { headers: { x: "secret\nx" } })).toThrow(ValidationError);
    expect(() => httpReplica("https://h/sync/v1/s", { headers: { x: "secret\nx" } })).not.toThrow(/secret/);
  });

  it("nothing is when there is no token, or none in time", async () => {
    const cause = new Error("signed out");
    const failing = listening("https://h/sync/v1/s", emptyPage, { authToken: () => Promise.reject(cause) });
    expect(await failureOf(failing.replica.head())).toMatchObject({ code: "connection", outcome: "not-sent", cause });
    const slow = Promise.withResolvers<string>();
    const late = listening("https://h/sync/v1/s", emptyPage, { authToken: () => slow.promise });
    expect(await failureOf(late.replica.head({ timeoutMs: 5 }))).toMatchObject({
      code: "timeout",
      outcome: "not-sent",
    });
    slow.resolve("t");
    await slow.promise;
    expect([...failing.sent, ...late.sent]).toEqual([]);
  });
});
