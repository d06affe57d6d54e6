import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { lambdaHandler } from "../../worker/lambda.ts";
import { startWireProxy, type WireProxy } from "../servers/wire-proxy.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { client, expectConversation, type PlainRequest, type Send } from "./conversation.ts";
import { type EventOptions, lambdaContext, lambdaEvents, plainAnswer } from "./lambda-events.ts";
import { withToken } from "./with-token.ts";

const database = withNewDatabase();
const token = withToken();
const undo: (() => unknown)[] = [];
// What it reports is the subject of another test.
beforeEach(() => void vi.spyOn(console, "error").mockReturnValue());
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const step of undo.splice(0).reverse()) await step();
});

interface Function {
  readonly url: string;
  readonly driver?: string;
  /** Until the platform ends an invocation. Default 30 s. */
  readonly timeoutMs?: number;
  readonly toEvent?: (request: PlainRequest, options?: EventOptions) => unknown;
  readonly base64?: boolean;
}

/** A new instance of the function. */
function start({ url, driver, timeoutMs = 30_000, base64 = false, ...rest }: Function): Send {
  const { toEvent = lambdaEvents["a function URL"] } = rest;
  const handler = lambdaHandler({ ...token().variables, DATABASE_URL: url, DATABASE_DRIVER: driver });
  return async (request) => plainAnswer(await handler(toEvent(request, { base64 }) as never, lambdaContext(timeoutMs)));
}

/** A line to a server that can be watched, and cut. */
async function lineTo(serverUrl: string): Promise<WireProxy> {
  const { hostname, port } = new URL(serverUrl);
  const line = await startWireProxy({ upstream: { host: hostname, port: Number(port) } });
  undo.push(() => line.close());
  return line;
}

const routes = [
  { driver: "postgres", way: "pgbouncer" },
  { driver: "pg", way: "pgbouncer" },
  { driver: "neon-http", way: "neon" },
] as const;

describe.each(Object.entries(lambdaEvents))("a Lambda behind %s", (endpoint, toEvent) => {
  it.each(routes)("answers all kinds of requests over $driver through $way", async ({ driver, way }) => {
    const name = `${endpoint.replaceAll(" ", "-")}-${driver}`;
    const send = start({ url: database()[way], driver, toEvent, base64: driver === "pg" });
    await expectConversation(send, { bearer: token().bearer, driver, name });
  });
});

describe.each(["postgres", "pg"] as const)("an instance with %s", (driver) => {
  it("keeps one connection for all of its invocations", async () => {
    const line = await lineTo(database().pgbouncer);
    const { get } = client(start({ url: line.url(database().pgbouncer), driver }), token().bearer);
    for (let n = 0; n < 25; n++) expect(await get("/profiles/v1/nobody")).toMatchObject({ status: 404 });
    expect({ accepted: line.accepted(), open: line.connections() }).toEqual({ accepted: 1, open: 1 });
  });

  it("judges by the wall clock whether a connection has been idle for too long", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const line = await lineTo(database().pgbouncer);
    const { get } = client(start({ url: line.url(database().pgbouncer), driver }), token().bearer);
    await get("/healthz");
    vi.setSystemTime(Date.now() + 29_000);
    await get("/healthz");
    expect(line.accepted()).toBe(1);
    vi.setSystemTime(Date.now() + 31_000);
    expect(await get("/healthz")).toMatchObject({ status: 200 });
    expect(line.accepted()).toBe(2);
    await vi.waitFor(() => expect(line.connections()).toBe(1));
  });

  it("leaves nothing behind when invocations fail", async () => {
    const line = await lineTo(database().postgres);
    const name = `failing-${driver}`;
    const url = `${line.url(database().postgres)}?application_name=${name}`;
    const { get, send } = client(start({ url, driver }), token().bearer);
    await get("/profiles/v1/nobody");
    const outcomes = new Set<unknown>();
    for (let n = 0; n < 20; n++) {
      line.cut(n % 2 === 0 ? "rst" : "fin", { afterServerBytes: n * 5 });
      const failed = await send("PUT", "/profiles/v1/cut", { profile_id: "cut", user_id: "u", n });
      expect(failed.status).toBe(503);
      outcomes.add(JSON.parse(failed.body).outcome);
      expect(await get("/healthz")).toMatchObject({ status: 200 });
    }
    expect(outcomes).toContain("unknown");
    expect(line.cuts()).toBe(20);

    const observer = pg(database().postgres);
    undo.push(() => observer.close());
    const text = "select count(*)::int4 as n from pg_stat_activity where application_name = $1";
    await vi.waitFor(async () => expect(await observer.query({ text, params: [name] })).toEqual([{ n: 1 }]), 5000);
    expect(line.connections()).toBe(1);
  });

  it("fails with a typed error before the platform ends an invocation, and works again", async () => {
    const line = await lineTo(database().pgbouncer);
    const url = line.url(database().pgbouncer);
    const { get, send } = client(start({ url, driver, timeoutMs: 1000 }), token().bearer);
    await get("/profiles/v1/nobody");
    line.blackhole();
    const startedAt = Date.now();
    const hung = await send("PUT", "/profiles/v1/hung", { profile_id: "hung", user_id: "u" });
    expect(Date.now() - startedAt).toBeLessThan(1000);
    expect(hung.status).toBe(504);
    expect(JSON.parse(hung.body)).toMatchObject({ code: "timeout", outcome: "unknown" });
    await line.restore();
    expect(await get("/healthz")).toMatchObject({ status: 200 });
  });

  it("opens its connection again after the server could not be reached", async () => {
    const line = await lineTo(database().pgbouncer);
    line.refuse();
    const { get } = client(start({ url: line.url(database().pgbouncer), driver }), token().bearer);
    const refused = await get("/healthz");
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "connection", outcome: "not-sent" });
    await line.restore();
    expect(await get("/healthz")).toMatchObject({ status: 200 });
  });
});

describe("a stream of pokes", () => {
  it("is an answer that ends, with the moves until then", async () => {
    const { get, send } = client(start({ url: database().pgbouncer }), token().bearer);
    const mutations = [{ id: 1, op: "put", key: "k", value: 1, base: 0 }];
    await send("POST", "/sync/v1/poked/push", { client: "poker", mutations });
    const stream = await get("/sync/v1/poked/poke", { accept: "text/event-stream" });
    expect(stream).toMatchObject({ status: 200, body: expect.stringMatching(/^retry: 1000\n\n(id|data): .*\n\n/s) });
  });
});

describe("a poke that waits", () => {
  it("is answered before the platform ends the invocation", async () => {
    const { get } = client(start({ url: database().pgbouncer, timeoutMs: 1500 }), token().bearer);
    await get("/healthz");
    const startedAt = Date.now();
    expect(await get("/sync/v1/quiet/poke?head=&wait=25")).toMatchObject({ status: 204 });
    expect(Date.now() - startedAt).toBeLessThan(1500);
  });
});

describe("a Lambda without its settings", () => {
  it("says which variable is missing, and which drivers there are", async () => {
    const handler = lambdaHandler({ DATABASE_URL: "postgresql://localhost/db", DATABASE_DRIVER: "neon-websocket" });
    const event = lambdaEvents["a REST API"]({ method: "GET", path: "/healthz", headers: {} });
    const answer = plainAnswer(await handler(event as never));
    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: "not-configured",
      detail: "DATABASE_DRIVER must be one of postgres, pg, neon-http here.",
    });
  });
});
