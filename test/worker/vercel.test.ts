import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import { vercelHandler } from "../../worker/vercel.ts";
import { startWireProxy, type WireProxy } from "../servers/wire-proxy.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { client, expectConversation, type PlainRequest, type Send } from "./conversation.ts";
import { withRequestContext } from "./vercel-request-context.ts";
import { withToken } from "./with-token.ts";

const database = withNewDatabase();
const token = withToken();
const takePending = withRequestContext();
const undo: (() => unknown)[] = [];
// What it reports is the subject of another test.
beforeEach(() => void vi.spyOn(console, "error").mockReturnValue());
afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const step of undo.splice(0).reverse()) await step();
});

/** A new instance of the function. */
function start(variables: Readonly<Record<string, string>>): Send {
  const { fetch } = vercelHandler({ ...token().variables, ...variables });
  return async ({ method, path, headers, body }: PlainRequest) => {
    const url = new URL(path, "https://onetrip-xmpl.vercel.app");
    const forwarded = { "x-forwarded-for": "203.0.113.7", "x-vercel-id": "fra1::xmpl-1795179912000-4b79" };
    const response = await fetch(
      new Request(url, { method, headers: { ...forwarded, ...headers }, body: body ?? null }),
    );
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
}

/** A line to a server that can be watched, and cut. */
async function lineTo(serverUrl: string): Promise<WireProxy> {
  const { hostname, port } = new URL(serverUrl);
  const line = await startWireProxy({ upstream: { host: hostname, port: Number(port) } });
  undo.push(() => line.close());
  return line;
}

describe("a Vercel function", () => {
  it.each([
    { driver: "pg", way: "pgbouncer" },
    { driver: "neon-http", way: "neon" },
  ] as const)("answers all kinds of requests over $driver through $way", async ({ driver, way }) => {
    const send = start({ DATABASE_URL: database()[way], DATABASE_DRIVER: driver });
    await expectConversation(send, { bearer: token().bearer, driver, name: `vercel-${driver}` });
  });

  it("says which variable is missing", async () => {
    const answer = await start({})({ method: "GET", path: "/healthz", headers: {} });
    expect(answer).toMatchObject({ status: 500, body: expect.stringContaining("DATABASE_URL is not set") });
  });
});

describe("the pool of an instance", () => {
  it("is one, and of no more connections than it may have", async () => {
    const line = await lineTo(database().pgbouncer);
    const url = line.url(database().pgbouncer);
    const { get } = client(start({ DATABASE_URL: url, DATABASE_POOL_SIZE: "4" }), token().bearer);
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(Array.from({ length: 30 }, () => get("/profiles/v1/nobody")));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
    }
    expect({ accepted: line.accepted(), open: line.connections() }).toEqual({ accepted: 4, open: 4 });
  });

  it("keeps the instance awake until its idle connections are closed", async () => {
    const line = await lineTo(database().pgbouncer);
    const { get } = client(start({ DATABASE_URL: line.url(database().pgbouncer) }), token().bearer);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    takePending();
    await get("/healthz");
    const awake = Promise.all(takePending());
    let isAwake = true;
    void awake.then(() => {
      isAwake = false;
    });
    await vi.advanceTimersByTimeAsync(4900);
    expect({ isAwake, open: line.connections() }).toEqual({ isAwake: true, open: 1 });
    await vi.advanceTimersByTimeAsync(300);
    await awake;
    vi.useRealTimers();
    await vi.waitFor(() => expect(line.connections()).toBe(0));
    expect(await get("/healthz")).toMatchObject({ status: 200 });
  });

  it("does not use a connection again that the wall clock says was idle for too long", async () => {
    const line = await lineTo(database().pgbouncer);
    const { get } = client(start({ DATABASE_URL: line.url(database().pgbouncer) }), token().bearer);
    await Promise.all([1, 2, 3].map(() => get("/healthz")));
    expect(line.accepted()).toBe(3);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 6000);
    expect(await get("/healthz")).toMatchObject({ status: 200 });
    expect(line.accepted()).toBe(4);
    await vi.waitFor(() => expect(line.connections()).toBe(1));
  });

  it("survives the end of its idle connections", async () => {
    const url = `${database().postgres}?application_name=ended`;
    const { get } = client(start({ DATABASE_URL: url }), token().bearer);
    await Promise.all([1, 2, 3].map(() => get("/healthz")));
    const owner = pg(database().postgres);
    undo.push(() => owner.close());
    const text = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1";
    expect(await owner.query({ text, params: ["ended"] })).toHaveLength(3);
    await vi.waitFor(async () => expect(await owner.query({ text, params: ["ended"] })).toEqual([]));
    expect(await get("/healthz")).toMatchObject({ status: 200 });
  });

  it("leaves nothing behind when requests fail", async () => {
    const line = await lineTo(database().pgbouncer);
    const variables = { DATABASE_URL: line.url(database().pgbouncer), DATABASE_POOL_SIZE: "2" };
    const { get, send } = client(start(variables), token().bearer);
    await get("/profiles/v1/nobody");
    for (let n = 0; n < 20; n++) {
      line.cut(n % 2 === 0 ? "rst" : "fin", { afterServerBytes: n * 5 });
      const failed = await send("PUT", "/profiles/v1/cut", { profile_id: "cut", user_id: "u", n });
      expect(failed).toMatchObject({ status: 503, body: expect.stringContaining('"outcome":"unknown"') });
      expect(await get("/healthz")).toMatchObject({ status: 200 });
    }
    expect(line.cuts()).toBe(20);
    await vi.waitFor(() => expect(line.connections()).toBe(1));
  });

  it("sends no key of the URL that a pooler refuses", async () => {
    const url = `${database().pgbouncer}?pgbouncer=true&channel_binding=prefer&options=-c%20statement_timeout%3D5&statement_timeout=5`;
    const { get } = client(start({ DATABASE_URL: url }), token().bearer);
    expect(await get("/healthz")).toMatchObject({ status: 200 });
  });
});
