import { type Context, Hono } from "hono";
import type { Driver } from "../driver.ts";
import { jsonAnswer } from "../web/json-answer.ts";
import type { OnetripEnv } from "./principal.ts";
import { problemHandler, type Report } from "./problem.ts";

export interface HealthRoutesOptions {
  /** Default: the driver that `database()` put in the context. */
  readonly driver?: ((c: Context<OnetripEnv>) => Driver) | undefined;
  /** How long the database may take to answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  readonly report?: Report | undefined;
}

/**
 * `GET /healthz`: 200 `{"status":"ok","driver":…}` when the database answered one statement, else a problem, usually 503.
 * Needs no token and tells nothing but that.
 */
export function healthRoutes(options: HealthRoutesOptions = {}): Hono<OnetripEnv> {
  const { driver: driverOf = (c) => c.get("driver"), timeoutMs = 5000 } = options;
  return new Hono<OnetripEnv>()
    .get("/healthz", async (c) => {
      const driver = driverOf(c);
      await driver.query({ text: "select 1 as up", params: [] }, { timeoutMs, signal: c.req.raw.signal });
      return jsonAnswer({ status: "ok", driver: driver.name }, 200, { "cache-control": "no-store" });
    })
    .onError(problemHandler(options.report));
}
