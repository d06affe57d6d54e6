import type { Hono } from "hono";
import { type OnetripEnv, problemResponse } from "onetrip/hono";
import { createApp } from "./app.ts";
import { reportError } from "./report-error.ts";
import { type Environment, readSettings } from "./settings.ts";

/** Cloudflare Workers. The variables are those of `readSettings`; `wrangler.toml` names this file. */
export default {
  fetch(request: Request, env: Environment, context: ExecutionContext): Response | Promise<Response> {
    app ??= makeApp(env);
    return typeof app === "string" ? notConfigured(app) : app.fetch(request, env, context);
  },
};

type ExecutionContext = NonNullable<Parameters<Hono["fetch"]>[2]>;

/** The app, or what is wrong with the settings. Lives as long as the isolate, as the settings do. */
let app: Hono<OnetripEnv> | string | undefined;

function makeApp(env: Environment): Hono<OnetripEnv> | string {
  const result = readSettings(env);
  return "fault" in result ? result.fault : createApp(result.settings, reportError);
}

function notConfigured(detail: string): Response {
  return problemResponse({ status: 500, code: "not-configured", detail });
}
