import { waitUntil } from "@vercel/functions";
import { configuredApp } from "./configured-app.ts";
import { keptDriver } from "./kept-driver.ts";
import { openDriver } from "./open-driver.ts";
import type { Environment, Settings } from "./settings.ts";

/** Less than the five minutes after which a function is ended there, unless it is configured otherwise. */
const POKE_STREAM_MS = 240_000;

/** Whatever request it is called in: the platform's own function finds the current one. */
const executionContext = { waitUntil, passThroughOnException: () => undefined, props: {} };

/**
 * Vercel Functions, on the Node runtime. The variables are those of `readSettings`. Requests of one instance run side by side
 * there: they share a pool, opened by the first of them and closed while nobody asks, before the instance is suspended.
 */
export function vercelHandler(env: Environment) {
  const app = configuredApp(env, { drivers: ["pg", "neon-http"], opener, pokeStreamMs: POKE_STREAM_MS });
  return { fetch: (request: Request) => app.fetch(request, env, executionContext) };
}

function opener(settings: Settings) {
  return keptDriver(() => (settings.driver === "pg" ? openPooled(settings) : openDriver(settings)));
}

async function openPooled({ databaseUrl, poolSize }: Settings) {
  const [{ pg }, { vercelPool }] = await Promise.all([import("onetrip/pg"), import("./vercel-pool.ts")]);
  return pg(vercelPool(databaseUrl, poolSize));
}

export default vercelHandler(process.env);
