import type { Hono } from "hono";
import type { OnetripEnv } from "onetrip/hono";
import { configuredApp, type Platform } from "./configured-app.ts";
import { openDriver } from "./open-driver.ts";
import type { Environment } from "./settings.ts";

/**
 * Cloudflare Workers; `wrangler.toml` names this file, and the variables are those of `readSettings`. A request may not use what
 * another one has opened there, so each has a driver of its own, closed by `waitUntil` after the answer.
 */
export default {
  fetch(request: Request, env: Environment, context: ExecutionContext): Response | Promise<Response> {
    app ??= configuredApp(env, platform);
    return app.fetch(request, env, context);
  },
};

type ExecutionContext = NonNullable<Parameters<Hono["fetch"]>[2]>;

const platform: Platform = {
  drivers: ["neon-http", "neon-websocket", "postgres", "pg"],
  opener: (settings) => () => openDriver(settings),
};

/** Lives as long as the isolate, as the variables do. */
let app: Hono<OnetripEnv> | undefined;
