import type { MiddlewareHandler } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { OnetripEnv, Principal } from "./principal.ts";
import { problemResponse } from "./problem.ts";

export interface AuthenticationOptions {
  /**
   * Public keys: a JWK set, or a function such as jose's `createRemoteJWKSet(url)`, which fetches and keeps them. Make that
   * function once for the whole app, not per request.
   */
  readonly keys: JSONWebKeySet | JWTVerifyGetKey;
  readonly issuer: string;
  readonly audience: string;
  /** How far clocks may differ. Default 5. */
  readonly clockToleranceSeconds?: number | undefined;
}

/** Asymmetric ones only, and pinned: what the token's header says cannot widen the choice. */
const ALGORITHMS = ["EdDSA", "ES256"];

/**
 * Checks the bearer token of each request, a JWT signed with EdDSA or ES256, and puts its {@link Principal} in the context.
 *
 * `sub` and `exp` are required. `scope` is a list with spaces between (RFC 8693), `tenant` a string, `stores` an array of
 * strings. Answers 401 with `WWW-Authenticate` (RFC 6750), and 503 when the keys cannot be fetched.
 *
 * @example
 * ```ts
 * app.use("/profiles/*", authentication({ keys: { keys: [publicJwk] }, issuer: "https://id.example", audience: "api" }));
 * ```
 */
export function authentication(options: AuthenticationOptions): MiddlewareHandler<OnetripEnv> {
  const keys = typeof options.keys === "function" ? options.keys : createLocalJWKSet(options.keys);
  const faults = new WeakMap<Request, Fault>();

  return bearerAuth({
    realm: "onetrip",
    noAuthenticationHeader: { message: () => unauthorized("Send a token: Authorization: Bearer <token>.") },
    invalidAuthenticationHeader: {
      message: () => unauthorized("The Authorization header must read: Bearer <token>."),
    },
    invalidToken: { message: (c) => faultResponse(faults.get(c.req.raw)) },
    verifyToken: async (token, c) => {
      try {
        const { payload } = await jwtVerify(token, keys, {
          algorithms: ALGORITHMS,
          issuer: options.issuer,
          audience: options.audience,
          clockTolerance: options.clockToleranceSeconds ?? 5,
          requiredClaims: ["sub", "exp"],
        });
        c.set("principal", toPrincipal(payload));
        return true;
      } catch (error) {
        faults.set(c.req.raw, faultOf(error));
        return false;
      }
    },
  });
}

/** Claims of the wrong type count as absent, which allows less. */
function toPrincipal({ sub = "", scope, tenant, stores }: JWTPayload): Principal {
  if (sub === "" || (tenant !== undefined && (typeof tenant !== "string" || tenant === ""))) {
    throw new errors.JWTInvalid("sub or tenant is empty or not a string");
  }
  return {
    subject: sub,
    tenant,
    scopes: typeof scope === "string" ? scope.split(" ").filter((name) => name !== "") : [],
    stores: Array.isArray(stores) ? stores.filter((name) => typeof name === "string") : undefined,
  };
}

type Fault = "expired" | "invalid" | "keys";

function faultOf(error: unknown): Fault {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) return "keys";
  // A key set that answers with anything but 200 and JSON is a bare JOSEError.
  return error.code === errors.JOSEError.code ? "keys" : "invalid";
}

function faultResponse(fault: Fault | undefined): Response {
  if (fault === "keys") {
    return problemResponse({
      status: 503,
      code: "keys-unavailable",
      detail: "The keys that tokens are checked with could not be read.",
      headers: { "retry-after": "1" },
    });
  }
  return unauthorized(fault === "expired" ? "The token has expired; get a new one." : "The token is not valid here.");
}

/** The challenge itself is added by the middleware. */
function unauthorized(detail: string): Response {
  return problemResponse({ status: 401, code: "unauthorized", detail });
}
