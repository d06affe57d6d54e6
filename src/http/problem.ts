import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ConflictError, type ErrorCode, PersistError } from "../errors.ts";

/** A problem as RFC 9457 describes it, with our `code` beside its members and, for a failed call, its `outcome`. */
export interface Problem {
  readonly status: ContentfulStatusCode;
  /** Stable, in kebab-case: what a client decides on. */
  readonly code: string;
  /** For people: what to do next. Nothing of the request's data, of the server or of its settings. */
  readonly detail: string;
  /** Further members of the answer. */
  readonly members?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Called with each error that became an answer of class 5xx. What it prints is the application's affair. */
export type Report = (error: unknown, c: Context) => void;

/** `application/problem+json`, never cached. */
export function problemResponse({ status, code, detail, members, headers }: Problem): Response {
  const body = {
    type: `urn:onetrip:problem:${code}`,
    title: titles[status] ?? "Error",
    status,
    detail,
    code,
    ...members,
  };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers },
  });
}

/** The same as something to throw: it is answered as it is by every Hono app, with or without our error handler. */
export function problemException(problem: Problem): HTTPException {
  return new HTTPException(problem.status, { res: problemResponse(problem) });
}

/**
 * Turns whatever a route threw into a problem. For `app.onError`; the routes of this package have it already.
 *
 * | error | status |
 * |---|---|
 * | `validation` | 422 |
 * | `forbidden` | 403 |
 * | `conflict` | 409 |
 * | `resync` | 410 |
 * | `not-found` | 404 |
 * | `capability` | 501 |
 * | `timeout` | 504 |
 * | `connection`, `aborted` | 503 |
 * | `database` | 503 when trying again may help, else 500 |
 * | `migration`, `closed`, anything unknown | 500 |
 *
 * 503 and 504 carry `Retry-After` when trying again may help. Messages of 5xx errors stay on the server.
 */
export function problemHandler(report?: Report): (error: Error, c: Context) => Response {
  return (error, c) => {
    const response = error instanceof HTTPException ? httpProblem(error) : problemResponse(toProblem(error));
    if (response.status >= 500) report?.(error, c);
    return response;
  };
}

function httpProblem(error: HTTPException): Response {
  if (error.res) return error.getResponse();
  return problemResponse({ status: error.status as ContentfulStatusCode, code: "http", detail: "See the status." });
}

function toProblem(error: unknown): Problem {
  if (!(error instanceof PersistError)) {
    return { status: 500, code: "internal", detail: "Something went wrong on the server." };
  }
  const { code, outcome, sqlstate, retryable } = error;
  const status = statusOf(error);
  const currentVersion = error instanceof ConflictError ? error.currentVersion : undefined;
  const retryAfter = retryable && status >= 503 ? { "retry-after": retryAfterSeconds(error) } : undefined;
  return {
    status,
    code,
    detail: status < 500 ? error.message : (details[code] ?? "Something went wrong on the server."),
    members: { outcome, retryable, sqlstate, currentVersion },
    headers: retryAfter,
  };
}

function statusOf({ code, retryable }: PersistError): ContentfulStatusCode {
  return code === "database" && retryable ? 503 : statuses[code];
}

function retryAfterSeconds({ retryAfterMs = 1000 }: PersistError): string {
  return String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
}

const statuses: Readonly<Record<ErrorCode, ContentfulStatusCode>> = {
  "not-found": 404,
  conflict: 409,
  resync: 410,
  forbidden: 403,
  capability: 501,
  validation: 422,
  connection: 503,
  timeout: 504,
  aborted: 503,
  closed: 500,
  migration: 500,
  database: 500,
};

const details: Readonly<Partial<Record<ErrorCode, string>>> = {
  capability: "This server cannot do that.",
  connection:
    "The database could not be reached, or the connection was lost; `outcome` says whether a write may have happened.",
  timeout: "The database did not answer in time; `outcome` says whether a write may have happened.",
  aborted: "The call was given up; `outcome` says whether a write may have happened.",
  migration: "The database's schema is not ready.",
  database: "The database refused the statement.",
};

/** Titles are the phrases of RFC 9110, as RFC 9457 asks for problems that have no type page of their own. */
const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
