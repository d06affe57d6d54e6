import { networkCode, neverConnected } from "../../driver/never-connected.ts";
import { retryAfterMs } from "../../driver/retry-after.ts";
import {
  ConnectionError,
  NotFoundError,
  type Outcome,
  PersistError,
  TimeoutError,
  ValidationError,
} from "../../errors.ts";
import { PROBLEM_TYPE } from "../../web/problem.ts";

/** An answer that is not what was asked for. */
export interface AnsweredProblem {
  readonly status: number;
  /** The header. */
  readonly retryAfter: string | undefined;
  /** Of a problem (RFC 9457); empty for an answer of any other kind, such as a gateway's page. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** The error that an answer stands for: the table is at `httpReplica`. */
export function problemError(what: string, problem: AnsweredProblem, secrets: readonly string[]): PersistError {
  const { status, members } = problem;
  if (status >= 500) return serverFailure(what, problem);
  const message = `${what}: HTTP ${status}: ${detailOf(members, secrets) ?? hints[status] ?? "refused"}`;
  const outcome = "rejected";
  switch (status) {
    case 400:
    case 413:
    case 415:
      return new ValidationError(message, { outcome });
    case 422:
      if (members["code"] === "unsupported-op") return new PersistError("capability", message, { outcome });
      return new ValidationError(message, { outcome });
    case 401:
    case 403:
      return new PersistError("forbidden", message, { outcome });
    case 404:
      return new NotFoundError(message);
    case 429:
      return new ConnectionError(message, { outcome, retryAfterMs: retryAfterMs(problem.retryAfter) });
    default:
      return new ConnectionError(message, { outcome, retryable: false });
  }
}

/** No answer came. */
export function networkError(what: string, error: unknown): ConnectionError {
  const isCertain = neverConnected(error);
  const hint = isCertain ? "the server could not be reached" : "the line was lost; a push may have been applied";
  return new ConnectionError(`${what}: ${hint}`, { outcome: isCertain ? "not-sent" : "unknown", cause: named(error) });
}

/** An answer began and could not be read to its end. */
export function lostAnswer(what: string, error: unknown): ConnectionError {
  const message = `${what}: the answer was cut, or is not JSON; a push may have been applied`;
  return new ConnectionError(message, { outcome: "unknown", cause: named(error) });
}

/** An answer was complete and is none that the protocol knows. */
export function strangeAnswer(what: string): ConnectionError {
  const message = `${what}: the answer was cut, is too large, or is none of persist-sync/1; check the address`;
  return new ConnectionError(message, { outcome: "unknown" });
}

const hints: Readonly<Record<number, string>> = {
  401: "the token is missing, or not valid there",
  403: "the token does not reach this",
  404: "there is nothing at this address",
  413: "the batch is too large",
  429: "too many requests; send the same again later",
};

function serverFailure(what: string, problem: AnsweredProblem): PersistError {
  const { status, members } = problem;
  const { code, outcome, retryable, sqlstate } = members;
  const said = typeof code === "string" && /^[a-z-]{1,40}$/.test(code) ? ` (${code})` : "";
  const message = `${what}: HTTP ${status}${said}: the server, or a gateway before it, failed`;
  const options = {
    outcome: isOutcome(outcome) ? outcome : ("unknown" as const),
    retryable: typeof retryable === "boolean" ? retryable : status !== 501,
    sqlstate: typeof sqlstate === "string" && /^[0-9A-Z]{5}$/.test(sqlstate) ? sqlstate : undefined,
    retryAfterMs: retryAfterMs(problem.retryAfter),
  };
  if (status === 504) return new TimeoutError(message, options);
  if (code === "database" || code === "migration" || code === "capability")
    return new PersistError(code, message, options);
  return new ConnectionError(message, options);
}

/** What our own server says to people. It holds nothing of a request; that it does not is made sure of. */
function detailOf(members: AnsweredProblem["members"], secrets: readonly string[]): string | undefined {
  const { type, detail } = members;
  if (typeof type !== "string" || !type.startsWith(PROBLEM_TYPE) || typeof detail !== "string") return undefined;
  const isSafe = secrets.every((secret) => secret === "" || !detail.includes(secret));
  return isSafe && detail.length <= 500 ? detail : undefined;
}

function isOutcome(outcome: unknown): outcome is Outcome {
  return typeof outcome === "string" && ["not-sent", "rejected", "rolled-back", "unknown"].includes(outcome);
}

/** What happened, without the message: some runtimes put the URL or a header there. */
function named(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  return new Error(networkCode(error) ?? error.name);
}
