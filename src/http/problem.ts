import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Problem, problemResponse, toProblem } from "../web/problem.ts";

export { type Problem, problemResponse } from "../web/problem.ts";

/** Called with each error that became an answer of class 5xx. What it prints is the application's affair. */
export type Report = (error: unknown, c: Context) => void;

/** A problem as something to throw: it is answered as it is by every Hono app, with or without our error handler. */
export function problemException(problem: Problem): HTTPException {
  return new HTTPException(problem.status as ContentfulStatusCode, { res: problemResponse(problem) });
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
  return problemResponse({ status: error.status, code: "http", detail: "See the status." });
}
