import { Hono } from "hono";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { pglite } from "../../src/driver/pglite.ts";
import type { Driver, Statement } from "../../src/driver.ts";
import {
  authentication,
  database,
  healthRoutes,
  type OnetripEnv,
  principalOf,
  problemHandler,
  profileRoutes,
  type SyncRoutesOptions,
  syncRoutes,
} from "../../src/http/index.ts";
import { createPostgresProfileStoreRepository } from "../../src/profiles/index.ts";
import { storeReplica } from "../../src/sync/index.ts";

/** The routes over an embedded Postgres, and what went through to it. */
export interface TestApp {
  /** A request with a token of all scopes and stores, unless `token` says otherwise; null sends none. */
  request(method: string, path: string, options?: RequestOptions): Promise<Response>;
  /** The app as a `fetch`, without a socket. */
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** A token with these claims over those of the default one. */
  token(claims?: JWTPayload, options?: { readonly expiresAt?: number }): Promise<string>;
  /** Statements sent since the last call of it. */
  takeStatements(): readonly Statement[];
  /** How many drivers were opened and closed. */
  readonly drivers: { readonly opened: number; readonly closed: number };
  /** Errors that became answers of class 5xx. */
  readonly reported: unknown[];
  /** Stands in for the database from now on, for one test. */
  failWith(error: unknown): void;
  readonly publicJwk: JWK;
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestAppOptions {
  readonly maxAgeSeconds?: number;
  readonly sync?: Omit<SyncRoutesOptions, "replica" | "report">;
}

export async function createTestApp({ sync, ...options }: TestAppOptions = {}): Promise<TestApp> {
  const shared = pglite();
  const statements: Statement[] = [];
  const reported: unknown[] = [];
  const drivers = { opened: 0, closed: 0 };
  let failure: { readonly error: unknown } | undefined;
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const publicJwk = await exportJWK(publicKey);
  const report = (error: unknown) => void reported.push(error);

  const app = new Hono<OnetripEnv>();
  app.use("/healthz", database({ open }));
  for (const path of ["/profiles/*", "/sync/*"]) {
    app.use(path, authentication({ keys: { keys: [publicJwk] }, issuer: "tests", audience: "routes" }));
    app.use(path, database({ open }));
  }
  app.route("/", healthRoutes({ report }));
  const repository = (driver: Driver) => createPostgresProfileStoreRepository({ driver });
  app.route("/", profileRoutes({ repository: (c) => repository(c.get("driver")), report, ...options }));
  app.route(
    "/",
    syncRoutes({
      ...sync,
      replica: (c, store) => {
        return storeReplica({
          driver: c.get("driver"),
          store,
          principal: principalOf(c).subject,
          limits: sync?.limits,
        });
      },
      report,
    }),
  );
  app.onError(problemHandler(report));

  /** The driver of one request: counts what passes. */
  function open(): Driver {
    drivers.opened += 1;
    return {
      name: shared.name,
      async query(statement, callOptions) {
        statements.push(statement);
        if (failure) throw failure.error;
        return shared.query(statement, callOptions);
      },
      async batch(list, callOptions) {
        statements.push(...list);
        return shared.batch(list, callOptions);
      },
      async close() {
        drivers.closed += 1;
      },
    };
  }

  async function token(claims: JWTPayload = {}, { expiresAt }: { readonly expiresAt?: number } = {}): Promise<string> {
    const all = { scope: "profiles:read profiles:write sync:read sync:write", stores: ["*"], sub: "alice" };
    return new SignJWT({ ...all, iss: "tests", aud: "routes", ...claims })
      .setProtectedHeader({ alg: "ES256" })
      .setExpirationTime(expiresAt ?? "1h")
      .sign(privateKey);
  }

  return {
    token,
    publicJwk,
    drivers,
    reported,
    fetch: async (url, init) => app.fetch(new Request(url, init)),
    async request(method, path, { body, token: given, headers } = {}) {
      const bearer = given === undefined ? await token() : given;
      const init: RequestInit = {
        method,
        headers: {
          ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
      };
      if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
      return app.request(path, init);
    },
    takeStatements: () => statements.splice(0),
    failWith(error) {
      failure = error === undefined ? undefined : { error };
    },
    close: () => shared.close(),
  };
}

/** A problem as it came, after checking what all of them have in common. */
export async function problemOf(response: Response): Promise<Record<string, unknown>> {
  const problem = (await response.json()) as Record<string, unknown>;
  const expected = { status: response.status, type: `urn:onetrip:problem:${problem["code"]}` };
  const missing = ["title", "detail", "code"].filter((name) => typeof problem[name] !== "string");
  const type = response.headers.get("content-type");
  const caching = response.headers.get("cache-control");
  if (
    type !== "application/problem+json" ||
    caching !== "no-store" ||
    missing.length > 0 ||
    problem["status"] !== expected.status ||
    problem["type"] !== expected.type
  ) {
    throw new Error(`not a problem: ${type} ${caching} ${JSON.stringify(problem)}`);
  }
  return problem;
}
