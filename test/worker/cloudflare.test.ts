import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { type DevelopmentWorker, startDevelopmentWorker } from "../../scripts/start/development-worker.ts";
import { type ReachableDatabase, withDatabase } from "../servers/provided.ts";
import { withNewDatabase } from "../stores/new-database.ts";
import { client, expectConversation, type PlainRequest } from "./conversation.ts";
import { withToken } from "./with-token.ts";

const root = join(import.meta.dirname, "../..");
const token = withToken();

interface Route {
  readonly driver: string;
  readonly way: "neon" | "pgbouncer" | "postgres" | "hyperdrive";
}

const routes: readonly Route[] = [
  { driver: "neon-http", way: "neon" },
  { driver: "neon-websocket", way: "neon" },
  { driver: "postgres", way: "pgbouncer" },
  { driver: "postgres", way: "hyperdrive" },
  { driver: "pg", way: "postgres" },
];

/** The worker, in workerd. */
function start(variables: Readonly<Record<string, string>>, folder = root): Promise<DevelopmentWorker> {
  return startDevelopmentWorker({ root: folder, port: 0, variables, logFolder: token().folder });
}

function startOn({ driver, way }: Route, database: ReachableDatabase): Promise<DevelopmentWorker> {
  if (way === "hyperdrive") return start(token().variables, folderWithHyperdrive(database.postgres));
  return start({ ...token().variables, DATABASE_URL: database[way], DATABASE_DRIVER: driver });
}

/** The configuration of a deployment with a binding, which takes the place of both variables. */
function folderWithHyperdrive(url: string): string {
  const { folder } = token();
  const configuration = readFileSync(join(root, "wrangler.toml"), "utf8");
  const binding = { binding: "HYPERDRIVE", id: "0123456789abcdef0123456789abcdef", localConnectionString: url };
  const lines = Object.entries(binding).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const main = JSON.stringify(join(root, "worker/cloudflare.ts"));
  const text = [configuration.replace(/^main = .*$/m, `main = ${main}`), "[[hyperdrive]]", ...lines, ""].join("\n");
  writeFileSync(join(folder, "wrangler.toml"), text);
  return folder;
}

describe.each(routes)("the worker with $driver through $way", (route) => {
  const database = withNewDatabase();
  let worker: DevelopmentWorker;
  beforeAll(async () => {
    worker = await startOn(route, database());
  });
  afterAll(() => worker.close());

  async function send({ method, path, headers, body }: PlainRequest) {
    const response = await fetch(new URL(path, worker.url), { method, headers, body: body ?? null });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }

  it("answers one request after another", async () => {
    const { driver } = route;
    await expectConversation(send, { bearer: token().bearer, driver, name: `by-${driver}` });
  });

  it("answers fifty requests that come at once, each with what it asked for", async () => {
    const { get, send: sendJson } = client(send, token().bearer);
    await sendJson("PUT", "/profiles/v1/known", { profile_id: "known", user_id: "u" });
    const ask = [
      () => get("/healthz"),
      () => get("/profiles/v1/known"),
      () => get("/profiles/v1/nobody"),
      (n: number) => sendJson("PUT", `/profiles/v1/p${n}`, { profile_id: `p${n}`, user_id: "u" }),
      (n: number) =>
        sendJson("POST", `/sync/v1/s${n}/push`, {
          client: `c${n}`,
          mutations: [{ id: 1, op: "put", key: `k${n}`, value: n, base: 0 }],
        }),
    ];
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    const answers = await Promise.all(numbers.map((n) => ask[n % ask.length]?.(n)));
    const expected = (n: number) =>
      [
        { status: 200, body: expect.stringContaining('"status":"ok"') },
        { status: 200, body: expect.stringContaining('"profile_id":"known"') },
        { status: 404, body: expect.stringContaining('"code":"not-found"') },
        { status: 201, body: `{"profile_id":"p${n}","revision":1}\n` },
        { status: 200, body: expect.stringContaining('"status":"applied"') },
      ][n % ask.length];
    expect(answers).toEqual(numbers.map((n) => expect.objectContaining(expected(n))));
    for (const n of [4, 49]) {
      const { body } = await get(`/sync/v1/s${n}/pull`);
      expect(JSON.parse(body)).toMatchObject({ changes: [{ key: `k${n}`, value: n }], more: false });
    }
  });

  // Over HTTP there is nothing to close: the connections are the endpoint's.
  if (route.driver !== "neon-http") {
    it("has closed every connection after its answers", async () => {
      await vi.waitFor(async () => expect(await openConnections(route, database())).toBe(0), 5000);
    });
  }
});

/** Those of the worker: a pooler keeps its own for the next client. */
async function openConnections({ way }: Route, { name, postgres }: ReachableDatabase): Promise<number> {
  const isPooled = way === "pgbouncer";
  const observer = new pg.Client(isPooled ? withDatabase(inject("servers").pgbouncer, "pgbouncer") : postgres);
  await observer.connect();
  const { rows } = await observer.query(
    isPooled
      ? "show clients"
      : "select datname as database from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
  await observer.end();
  return rows.filter(({ database }) => database === name).length;
}

describe("the worker without its settings", () => {
  it("says which variable is missing", async () => {
    const worker = await start({ DATABASE_URL: "postgresql://localhost/db" });
    const response = await fetch(new URL("/healthz", worker.url));
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      code: "not-configured",
      detail: expect.stringContaining("PUBLIC_JWK is not set"),
    });
    await worker.close();
  });
});
