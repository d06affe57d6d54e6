import { bounded, DEFAULT_TIMEOUT_MS } from "../../driver/call.ts";
import type { CallOptions } from "../../driver.ts";
import { ConnectionError, ValidationError } from "../../errors.ts";
import { type AnsweredProblem, networkError } from "./answer-error.ts";
import { readAnswer } from "./read-answer.ts";

export interface SyncFetchOptions {
  /** Sent as bearer token. A function is asked before each request. */
  readonly authToken?: string | (() => string | Promise<string>) | undefined;
  /** Further headers of each request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Default: the `fetch` of the runtime, looked up at each call. */
  readonly fetch?: ((url: string, init: RequestInit) => Response | Promise<Response>) | undefined;
  /** Deadline of a call that names none, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Larger answers are thrown away. Default 16 MiB. */
  readonly maxAnswerBytes?: number | undefined;
}

/** One request of the protocol, and how its answer is read. */
export interface SyncRequest<T> {
  /** For messages. */
  readonly what: string;
  /** Below the store's URL. */
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>>;
  /** JSON. With a body it is a POST, without a GET. */
  readonly body?: string;
  /** Default `application/json`. */
  readonly accept?: string;
  /** How long the server waits before it answers; the deadline begins then. */
  readonly waitMs?: number;
  /** The content of an answer, undefined for an empty one (204), as a value. Undefined when it is not what was asked for. */
  toValue(content: unknown): T | undefined;
  /** A refusal that is a value. Undefined for one that is an error. */
  toRefusal?(problem: AnsweredProblem): T | undefined;
}

export type SyncFetch = <T>(request: SyncRequest<T>, options?: CallOptions) => Promise<T>;

const DEFAULT_MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/**
 * Sends requests to the store at `base`, one `fetch` each, under one deadline.
 *
 * @throws ValidationError for headers that cannot be sent
 */
export function syncFetch(base: URL, options: SyncFetchOptions): SyncFetch {
  const fixed = checkedHeaders(options.headers ?? {});
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxAnswerBytes = DEFAULT_MAX_ANSWER_BYTES } = options;

  return async (request, call) => {
    const { what, waitMs = 0 } = request;
    const deadline = { ...call, timeoutMs: (call?.timeoutMs ?? timeoutMs) + waitMs };
    return bounded(what, deadline, timeoutMs, async (running) => {
      const token = await tokenOf(options.authToken, what);
      // The deadline may have passed while the token was made: the call has failed already, and nothing is sent any more.
      if (running.signal.aborted) throw new ConnectionError(`${what}: given up`, { outcome: "not-sent" });
      running.wasSent = () => true;
      const headers = headersOf(request, fixed, token);
      const init = { ...initOf(request), headers, signal: running.signal };
      const response = await sendOnce(options.fetch ?? globalThis.fetch, urlOf(base, request), init).catch((error) => {
        throw networkError(what, error);
      });
      return readAnswer(response, request, { maxAnswerBytes, secrets: [token, base.search.slice(1)] });
    });
  };
}

type Send = NonNullable<SyncFetchOptions["fetch"]>;

/** A function of the application's may throw as well as reject. */
async function sendOnce(send: Send, url: string, init: RequestInit): Promise<Response> {
  return send(url, init);
}

function urlOf(base: URL, { path, query }: SyncRequest<unknown>): string {
  const url = new URL(base);
  url.pathname += path;
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** An address that leads elsewhere is an error, not followed: the token is for this one. */
function initOf({ body }: SyncRequest<unknown>): RequestInit {
  const init: RequestInit = {
    redirect: "manual",
    ...(body === undefined ? { method: "GET" } : { method: "POST", body }),
  };
  // Next.js and browsers keep answers unless told not to; Workers do not, and older ones refuse the option.
  return globalThis.navigator?.userAgent === "Cloudflare-Workers" ? init : { ...init, cache: "no-store" };
}

function headersOf({ accept, body }: SyncRequest<unknown>, fixed: Headers, token: string): Headers {
  const headers = new Headers(fixed);
  headers.set("accept", accept ?? "application/json");
  if (body !== undefined) headers.set("content-type", "application/json");
  if (token !== "") headers.set("authorization", `Bearer ${token}`);
  return headers;
}

/** The runtime's own error would show the value. */
function checkedHeaders(headers: Readonly<Record<string, string>>): Headers {
  try {
    return new Headers({ ...headers });
  } catch {
    throw new ValidationError("httpReplica: a header has a name or value that HTTP does not allow");
  }
}

async function tokenOf(authToken: SyncFetchOptions["authToken"], what: string): Promise<string> {
  const token = typeof authToken === "function" ? await askForToken(authToken, what) : (authToken ?? "");
  if (typeof token === "string" && /^[\x21-\x7e]*$/.test(token)) return token;
  throw new ValidationError(`${what}: authToken must be, or give, a string of printable ASCII without spaces`);
}

async function askForToken(authToken: () => string | Promise<string>, what: string): Promise<string> {
  try {
    return await authToken();
  } catch (error) {
    throw new ConnectionError(`${what}: authToken gave no token; nothing was sent`, {
      outcome: "not-sent",
      cause: error,
    });
  }
}
