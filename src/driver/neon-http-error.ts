import { ConnectionError, type Outcome, type PersistError } from "../errors.ts";
import { neverConnected } from "./never-connected.ts";
import { retryAfterMs } from "./retry-after.ts";
import {
  connectionLost,
  isServersWord,
  type Phase,
  type ServerErrorFields,
  scrubbed,
  serverError,
} from "./server-error.ts";

/**
 * What an error of Neon's HTTP client says about the statement.
 *
 * | what came back | outcome |
 * |---|---|
 * | 400 with a SQLSTATE | rejected, or rolled back for a batch |
 * | 400 without one ("connection closed"), 08P01 "cancelled" | unknown, also in the middle of COMMIT |
 * | 500 "Control plane request failed" | rejected: the compute is waking up |
 * | 500 "Couldn't connect to compute node" and the like | rejected: the proxy has not reached the database |
 * | 429, 503, 413, other 4xx | rejected |
 * | 507 answer too large | unknown: a lone write has been applied |
 * | other 5xx, an answer that is not JSON | unknown |
 * | no connection could be made | not sent |
 * | any other network failure | unknown |
 *
 * @param retryAfter the answer's header, when there was an answer with one
 */
export function neonHttpError(error: unknown, phase: Phase, retryAfter: string | null = null): PersistError {
  const { sourceError, name, code, message } = error as ServerErrorFields & { sourceError?: unknown; name?: string };
  if (sourceError !== undefined) return connectionLost(phase, !neverConnected(sourceError), sourceError);
  // The client makes its own kind of an answer; what else comes with a code is of the runtime, as when the body is lost.
  if (isServersWord({ code, severity: name === "NeonDbError" ? "ERROR" : (error as ServerErrorFields).severity })) {
    return serverError(error as ServerErrorFields, phase);
  }

  const status = /^Server error \(HTTP status (\d{3})\)/.exec(message ?? "")?.[1];
  if (status !== undefined)
    return statusError({ status: Number(status), message: message ?? "", retryAfter }, phase, error);
  return new ConnectionError(`${phase}: the answer was lost; the write may have been applied`, {
    outcome: "unknown",
    cause: scrubbed(error),
  });
}

/** The body stays out of the message: a gateway may echo the request in it. */
function statusError({ status, message, retryAfter }: Answer, phase: Phase, cause: unknown): PersistError {
  const isWaking = status === 500 && message.includes("Control plane request failed");
  const isUnreached = status === 500 && NOT_REACHED.test(message);
  const [outcome, retryable, hint] = isWaking ? waking : isUnreached ? unreached : verdict(status);
  return new ConnectionError(`${phase}: HTTP ${status}: ${hint}`, {
    outcome,
    retryable,
    retryAfterMs: retryAfterMs(retryAfter) ?? (isWaking || isUnreached ? 250 : undefined),
    cause: new Error((cause as Error).name),
  });
}

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly retryAfter: string | null;
}

type Verdict = readonly [outcome: Outcome, retryable: boolean, hint: string];

const waking: Verdict = ["rejected", true, "the compute is waking up; try again in a moment"];

/** What Neon's proxy says when it could not open a connection to the compute. */
const NOT_REACHED = /couldn't connect to compute node|error connecting to server|failed to acquire permit to connect/i;

const unreached: Verdict = ["rejected", true, "the proxy could not reach the database; try again in a moment"];

function verdict(status: number): Verdict {
  if (status === 429 || status === 503) return ["rejected", true, "too busy; try again later"];
  if (status === 413) return ["rejected", false, "the request is too large; send it in smaller parts"];
  if (status === 507)
    return ["unknown", false, "the answer is too large; a lone write has been applied, read less at once"];
  if (status >= 500) return ["unknown", true, "the gateway lost the answer; the write may have been applied"];
  return ["rejected", false, "refused; check the connection string and the endpoint"];
}
