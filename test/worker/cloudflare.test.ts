import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audience, developmentToken, issuer } from "../../scripts/start/development-token.ts";
import { type DevelopmentWorker, startDevelopmentWorker } from "../../scripts/start/development-worker.ts";
import { withNewDatabase } from "../stores/new-database.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "onetrip-worker-"));
const database = withNewDatabase();
const token = developmentToken(folder, new Date());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The worker, in workerd. */
function start(variables: Record<string, string>): Promise<DevelopmentWorker> {
  return startDevelopmentWorker({ root, port: 0, variables, logFolder: folder });
}

describe.each([
  { driver: "neon-http", way: "neon" },
  { driver: "neon-websocket", way: "neon" },
  { driver: "postgres", way: "pgbouncer" },
  { driver: "pg", way: "postgres" },
] as const)("the worker with $driver", ({ driver, way }) => {
  let worker: DevelopmentWorker;

  beforeAll(async () => {
    worker = await start({
      DATABASE_URL: database()[way],
      DATABASE_DRIVER: driver,
      PUBLIC_JWK: (await token).publicJwk,
      TOKEN_ISSUER: issuer,
      TOKEN_AUDIENCE: audience,
    });
  });
  afterAll(() => worker.close());

  async function request(method: string, path: string, body?: unknown) {
    const { bearer } = await token;
    const response = await fetch(new URL(path, worker.url), {
      method,
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  it("answers one request after another: health, a profile, a push and a pull", async () => {
    expect(await request("GET", "/healthz")).toEqual({ status: 200, body: { status: "ok", driver } });

    const id = `by-${driver}`;
    const profile = { profile_id: id, user_id: "u" };
    expect(await request("PUT", `/profiles/v1/${id}`, profile)).toMatchObject({ status: 201, body: { revision: 1 } });
    expect(await request("GET", `/profiles/v1/${id}`)).toMatchObject({ status: 200, body: profile });

    const mutations = [{ id: 1, op: "put", key: "k", value: 1, base: 0 }];
    const pushed = await request("POST", `/sync/v1/${driver}/push`, { client: "c", mutations });
    expect(pushed).toMatchObject({ status: 200, body: { results: [{ status: "applied" }] } });
    const pulled = await request("GET", `/sync/v1/${driver}/pull`);
    expect(pulled).toMatchObject({ status: 200, body: { changes: [{ key: "k", value: 1 }] } });
  });

  it("answers requests that come at once", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => request("GET", `/profiles/v1/nobody`)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 404));
  });
});

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
