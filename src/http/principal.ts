import type { Context, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { Driver } from "../driver.ts";
import { problemException } from "./problem.ts";

/** What a caller may do. */
export type Scope = "profiles:read" | "profiles:write" | "sync:read" | "sync:write";

/** Who is calling. Set by {@link authentication}, or by an application's own middleware with `c.set("principal", …)`. */
export interface Principal {
  readonly subject: string;
  /** Confines profiles to one tenant. Absent: all of them. */
  readonly tenant?: string | undefined;
  readonly scopes: readonly string[];
  /** Names of the stores that sync may touch, or `"*"` for all. Absent: none. */
  readonly stores?: readonly string[] | undefined;
}

/** What the middlewares of this package put in a context. */
export interface OnetripEnv {
  Variables: {
    principal: Principal;
    driver: Driver;
    /** Settles when an answer that is a stream does not need the driver any more. Undefined: nothing goes on. */
    inUse: Promise<void> | undefined;
  };
}

/** The caller. Answers 401 when nobody has said who it is: a route that was mounted without authentication stays shut. */
export function principalOf(c: Context<OnetripEnv>): Principal {
  const principal: Principal | undefined = c.get("principal");
  if (principal) return principal;
  throw problemException({
    status: 401,
    code: "unauthorized",
    detail: "Send a token: Authorization: Bearer <token>.",
    headers: { "www-authenticate": 'Bearer realm="onetrip"' },
  });
}

/** Lets only callers with the scope pass; 403 for others. */
export function requireScope(scope: Scope): MiddlewareHandler<OnetripEnv> {
  return createMiddleware<OnetripEnv>(async (c, next) => {
    if (!principalOf(c).scopes.includes(scope)) {
      throw problemException({
        status: 403,
        code: "insufficient-scope",
        detail: `The token needs the scope ${scope}.`,
        headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` },
      });
    }
    await next();
  });
}

/**
 * Whether a caller may sync a store. Names are not divided by tenant, so a caller who is confined to a tenant gets only
 * stores that its token names one by one: `"*"` counts for callers without a tenant.
 */
export function maySync({ stores = [], tenant }: Principal, store: string): boolean {
  return stores.includes(store) || (tenant === undefined && stores.includes("*"));
}
