import type { Context } from "hono";
import { handle, type LambdaContext } from "hono/aws-lambda";
import { configuredApp } from "./configured-app.ts";
import { keptDriver } from "./kept-driver.ts";
import { openDriver } from "./open-driver.ts";
import type { Environment, Settings } from "./settings.ts";
import { withinDeadline } from "./within-deadline.ts";

/** An answer leaves as a whole, so that a stream is of use only when it has ended. */
const POKE_STREAM_MS = 2000;

/** A poke that has waited for all it may needs time for a last look at the feed, and for its answer. */
const BEFORE_THE_END_MS = 1000;

/**
 * AWS Lambda, behind a function URL (payload 2.0), an HTTP API (2.0), a REST API (1.0) or a load balancer. The variables are
 * those of `readSettings`.
 *
 * One connection, opened by the first request and kept between invocations: with many instances, put PgBouncer in front.
 */
export function lambdaHandler(env: Environment) {
  const app = configuredApp(env, {
    drivers: ["postgres", "pg", "neon-http"],
    opener,
    pokeWaitMs: (c) => remainingMs(c) - BEFORE_THE_END_MS,
    pokeStreamMs: POKE_STREAM_MS,
  });
  // Every answer of this app is text; what is called binary, a REST API would hand out as base64.
  return handle(app, { isContentTypeBinary: () => false });
}

/** No statement outlasts the invocation, which is ended without a word when its time is over. */
function opener(settings: Settings) {
  const open = keptDriver(() => openDriver(settings));
  return async (c: Context) => {
    const driver = await open();
    return withinDeadline(driver, () => remainingMs(c));
  };
}

function remainingMs(c: Context): number {
  const { lambdaContext } = c.env as { readonly lambdaContext: LambdaContext };
  return lambdaContext.getRemainingTimeInMillis();
}

export const handler = lambdaHandler(process.env);
