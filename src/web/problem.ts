import { ConflictError, type ErrorCode, PersistError } from "../errors.ts";
import { jsonAnswer } from "./json-answer.ts";

/** A problem as RFC 9457 describes it, with our `code` beside its members and, for a failed call, its `outcome`. */
export interface Problem {
  readonly status: number;
  /** Stable, in kebab-case: what a client decides on. */
  readonly code: string;
  /** For people: what to do next. Nothing of the request's data, of the server or of its settings. */
  readonly detail: string;
  /** Further members of the answer. */
  readonly members?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What `type` begins with: the code follows. */
export const PROBLEM_TYPE = "urn:onetrip:problem:";

/** `application/problem+json`, never cached. */
export function problemResponse({ status, code, detail, members, headers }: Problem): Response {
  const body = { type: `${PROBLEM_TYPE}${code}`, title: titles[status] ?? "Error", status, detail, code, ...members };
  return jsonAnswer(body, status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...headers,
  });
}

/** What an error is to a client: the table is at `problemHandler`. Messages of 5xx errors stay on the server. */
export function toProblem(error: unknown): Problem {
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

function statusOf({ code, retryable }: PersistError): number {
  return code === "database" && retryable ? 503 : statuses[code];
}

function retryAfterSeconds({ retryAfterMs = 1000 }: PersistError): string {
  return String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
}

const statuses: Readonly<Record<ErrorCode, number>> = {
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
