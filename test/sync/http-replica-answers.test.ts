import { describe, expect, it } from "vitest";
import { PersistError } from "../../src/errors.ts";
import { httpReplica, type Replica } from "../../src/sync/index.ts";
import { failureOf } from "../contract/store.ts";

const token = "hunter2";
const url = `https://h/sync/v1/s?key=${token}`;
const batch = { client: "c", mutations: [{ id: 1, op: "put", key: "k", value: 1, base: 0 } as const] };

/** A replica whose every request is answered so. */
function answering(body: BodyInit | null, init: ResponseInit & { readonly type?: string }): Replica {
  const headers = new Headers(init.headers);
  if (init.type !== undefined) headers.set("content-type", init.type);
  return httpReplica(url, { authToken: token, fetch: () => new Response(body, { ...init, headers }) });
}

const json = (content: unknown) => answering(JSON.stringify(content), { status: 200, type: "application/json" });
const lines = (text: string) => answering(text, { status: 200, type: "application/x-ndjson" });
const problem = (status: number, members: object, headers: Record<string, string> = {}) =>
  answering(JSON.stringify({ type: "urn:onetrip:problem:x", status, ...members }), {
    status,
    headers,
    type: "application/problem+json",
  });

describe("a refusal that is expected is a value", () => {
  it.each([
    [409, { code: "gap", lastMutation: 7 }, { refused: "gap", lastMutation: 7 }],
    [409, { code: "unknown-client" }, { refused: "unknown-client" }],
    [403, { code: "client-forbidden" }, { refused: "forbidden" }],
    [410, { code: "resync", why: "epoch" }, { resync: "epoch" }],
  ])("of a push: %i %o", async (status, members, expected) => {
    expect(await problem(status, members).push(batch)).toEqual(expected);
  });

  it("of a pull: 410", async () => {
    expect(await problem(410, { code: "resync", why: "floor" }).pull(null, 1)).toEqual({ resync: "floor" });
  });
});

describe("any other is an error", () => {
  it.each([
    [400, { code: "malformed" }, { code: "validation", outcome: "rejected", retryable: false }],
    [401, { code: "unauthorized" }, { code: "forbidden", outcome: "rejected", retryable: false }],
    [403, { code: "forbidden" }, { code: "forbidden", outcome: "rejected", retryable: false }],
    [404, { code: "not-found" }, { code: "not-found", outcome: "rejected" }],
    [409, { code: "gap" }, { code: "connection", outcome: "rejected", retryable: false }],
    [410, { code: "resync", why: "because" }, { code: "connection", outcome: "rejected", retryable: false }],
    [413, { code: "too-large" }, { code: "validation", outcome: "rejected", retryable: false }],
    [422, { code: "validation" }, { code: "validation", outcome: "rejected", retryable: false }],
    [422, { code: "unsupported-op" }, { code: "capability", outcome: "rejected", retryable: false }],
    [429, { code: "busy" }, { code: "connection", outcome: "rejected", retryable: true }],
    [500, { code: "internal" }, { code: "connection", outcome: "unknown", retryable: true }],
    [
      500,
      { code: "database", outcome: "rejected", retryable: false, sqlstate: "42501" },
      { code: "database", outcome: "rejected", retryable: false, sqlstate: "42501" },
    ],
    [501, {}, { code: "connection", outcome: "unknown", retryable: false }],
    [503, { code: "connection", outcome: "not-sent" }, { code: "connection", outcome: "not-sent", retryable: true }],
    [503, { code: "connection", outcome: "nonsense", sqlstate: "x" }, { outcome: "unknown", sqlstate: undefined }],
    [504, { code: "timeout", outcome: "unknown" }, { code: "timeout", outcome: "unknown", retryable: true }],
  ])("%i %o", async (status, members, expected) => {
    expect(await failureOf(problem(status, members).push(batch))).toMatchObject(expected);
    if (status !== 410) expect(await failureOf(problem(status, members).pull(null, 1))).toMatchObject(expected);
  });

  it.each([
    [429, "3", 3000],
    [503, "120", 120_000],
    [503, "Thu, 01 Jan 1970 00:00:00 GMT", 0],
    [503, "soon", undefined],
  ])("%i with Retry-After: %s", async (status, retryAfter, retryAfterMs) => {
    const error = await failureOf(problem(status, {}, { "retry-after": retryAfter }).push(batch));
    expect(error).toMatchObject({ retryable: true, retryAfterMs });
  });

  it.each([301, 302, 308])("%i: an address that leads elsewhere is not followed", async (status) => {
    const replica = answering(null, { status, headers: { location: "https://elsewhere/" } });
    expect(await failureOf(replica.push(batch))).toMatchObject({
      code: "connection",
      outcome: "rejected",
      retryable: false,
    });
  });

  it.each([400, 403, 404, 502, 503])("%i with a page of a gateway", async (status) => {
    const replica = answering(`<html>${token}</html>`, { status, type: "text/html" });
    const error = await failureOf(replica.push(batch));
    expect(error).toBeInstanceOf(PersistError);
    expect(error).toMatchObject(status < 500 ? { outcome: "rejected" } : { outcome: "unknown", retryable: true });
  });
});

describe("a message", () => {
  it("says what the server says about a request", async () => {
    const error = await failureOf(problem(422, { detail: "push: mutations[3].id must be one more" }).push(batch));
    expect(error).toMatchObject({ message: "sync push: HTTP 422: push: mutations[3].id must be one more" });
  });

  it("holds neither the token nor the query of the address, whoever repeats them", async () => {
    const echo = `you sent ${url} with ${token}`;
    const failures = [
      problem(422, { detail: echo }).push(batch),
      problem(500, { code: echo, sqlstate: echo, detail: echo }).push(batch),
      answering(echo, { status: 200, type: "text/plain" }).push(batch),
      httpReplica(url, { authToken: token, fetch: () => Promise.reject(new TypeError(echo)) }).push(batch),
      httpReplica(url, {
        authToken: token,
        fetch: () => {
          throw new TypeError(echo);
        },
      }).head(),
    ];
    for (const failing of failures) {
      const error = await failureOf(failing);
      expect(error).toBeInstanceOf(PersistError);
      expect(`${(error as Error).stack} ${String((error as Error).cause)}`).not.toContain(token);
    }
  });
});

describe("a page", () => {
  const change = { kind: "record", key: "k", value: 1, version: 1, seq: "0:1", updatedAt: "t" };
  const end = { end: true, cursor: "c", more: false, head: "0:1" };
  const text = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
  const page = { changes: [change], cursor: "c", more: false, head: "0:1" };

  it("is read line by line, or as JSON from a server that has no lines", async () => {
    expect(await lines(text(change, end)).pull(null, 1)).toEqual(page);
    expect(await lines(text(change, end).trimEnd()).pull(null, 1)).toEqual(page);
    expect(await json(page).pull(null, 1)).toEqual(page);
    expect(await json({ ...page, lastMutation: 3, other: 1 }).pull(null, 1)).toEqual({ ...page, lastMutation: 3 });
  });

  it("is thrown away when it is cut, at any byte", async () => {
    const whole = text({ ...change, value: "ü" }, end);
    const bytes = new TextEncoder().encode(whole);
    for (let length = 0; length < bytes.length - 1; length++) {
      const cut = answering(bytes.slice(0, length), { status: 200, type: "application/x-ndjson" });
      expect(await failureOf(cut.pull(null, 1)), `after ${length} bytes`).toMatchObject({
        code: "connection",
        outcome: "unknown",
        retryable: true,
      });
    }
    expect(await lines(whole).pull(null, 1)).toHaveProperty("cursor", "c");
  });

  it("is thrown away when the line breaks", async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text(change)));
        controller.error(new TypeError("terminated"));
      },
    });
    const replica = answering(body, { status: 200, type: "application/x-ndjson" });
    expect(await failureOf(replica.pull(null, 1))).toMatchObject({ code: "connection", outcome: "unknown" });
  });

  it.each([
    ["something after its end", text(end, change)],
    ["two ends", text(end, end)],
    ["a line that is no change", text(7, end)],
    ["a kind that is not known", text({ ...change, kind: "blob" }, end)],
    ["a change without a version", text({ ...change, version: undefined }, end)],
    ["a version that is no safe integer", text({ ...change, version: 2 ** 53 }, end)],
    ["a change without a value", text({ ...change, value: undefined }, end)],
    ["an end without a cursor", text({ ...end, cursor: undefined })],
    ["a page of HTML", "<html>"],
  ])("with %s is none", async (_, body) => {
    expect(await failureOf(lines(body).pull(null, 1))).toMatchObject({ code: "connection", outcome: "unknown" });
  });

  it.each([
    ["null", null],
    ["changes that are none", { ...page, changes: {} }],
    ["no head", { ...page, head: undefined }],
    ["a count that is text", { ...page, lastMutation: "1" }],
  ])("of JSON with %s is none", async (_, content) => {
    expect(await failureOf(json(content).pull(null, 1))).toMatchObject({ code: "connection", outcome: "unknown" });
  });

  it("is not read to its end when it is too large", async () => {
    let pulled = 0;
    const piece = new TextEncoder().encode(text({ ...change, value: "x".repeat(1000) }));
    const body = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(piece);
      },
    });
    const headers = { "content-type": "application/x-ndjson" };
    const replica = httpReplica(url, { fetch: () => new Response(body, { headers }), maxAnswerBytes: 10_000 });
    expect(await failureOf(replica.pull(null, 1))).toMatchObject({ code: "connection", outcome: "unknown" });
    expect(pulled).toBeLessThan(15);
  });
});

describe("the result of a push", () => {
  const result = { id: 1, status: "applied", version: 1, seq: "0:1" };
  it.each([
    ["no results", { lastMutation: 1, head: "" }],
    ["too few results", { results: [], lastMutation: 1, head: "" }],
    ["results of another batch", { results: [{ ...result, id: 2 }], lastMutation: 2, head: "" }],
    ["a status that is not known", { results: [{ ...result, status: "fine" }], lastMutation: 1, head: "" }],
    ["a current row that is none", { results: [{ ...result, current: { key: 1 } }], lastMutation: 1, head: "" }],
    ["no head", { results: [result], lastMutation: 1 }],
  ])("with %s is none, and the push may have been applied", async (_, content) => {
    expect(await failureOf(json(content).push(batch))).toMatchObject({ code: "connection", outcome: "unknown" });
  });
});
