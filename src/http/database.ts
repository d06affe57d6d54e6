import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { Driver } from "../driver.ts";
import type { OnetripEnv } from "./principal.ts";

export interface DatabaseOptions {
  /** Makes the driver of one request. Called after the middlewares before this one have let the request pass. */
  readonly open: (c: Context) => Driver | Promise<Driver>;
}

/**
 * Gives each request a driver of its own, `c.get("driver")`, and closes it when the response is ready or, where that is a stream
 * that uses the driver, when it has ended. After the response was sent, by `waitUntil`, where the platform has that.
 *
 * @example
 * ```ts
 * app.use(database({ open: (c) => neonHttp(c.env.DATABASE_URL) }));
 * ```
 */
export function database({ open }: DatabaseOptions): MiddlewareHandler<OnetripEnv> {
  return createMiddleware<OnetripEnv>(async (c, next) => {
    const driver = await open(c);
    c.set("driver", driver);
    try {
      await next();
    } finally {
      const inUse = c.get("inUse");
      // A connection that cannot be closed is the server's to notice: the answer stands.
      const closing = Promise.resolve(inUse)
        .then(() => driver.close())
        .catch(() => undefined);
      const context = executionContext(c);
      if (context) context.waitUntil(closing);
      else if (inUse === undefined) await closing;
    }
  });
}

/** Hono throws where a platform has none. */
function executionContext(c: Context): { waitUntil(promise: Promise<unknown>): void } | undefined {
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}
