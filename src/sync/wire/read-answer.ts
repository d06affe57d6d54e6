import { bodyText } from "../../web/body-text.ts";
import { readNdjson } from "../ndjson.ts";
import { type AnsweredProblem, lostAnswer, problemError, strangeAnswer } from "./answer-error.ts";
import type { SyncRequest } from "./sync-fetch.ts";

export interface ReadOptions {
  readonly maxAnswerBytes: number;
  /** What must not be in a message, whatever the server says. */
  readonly secrets: readonly string[];
}

/** More than any problem of ours has. What gateways say is not read to its end. */
const MAX_PROBLEM_BYTES = 64 * 1024;

/** The value that an answer stands for: its content, or a refusal that is expected. Anything else is an error. */
export async function readAnswer<T>(response: Response, request: SyncRequest<T>, options: ReadOptions): Promise<T> {
  const { what, toValue, toRefusal } = request;
  if (response.status !== 200 && response.status !== 204) {
    const problem = await readProblem(response);
    const refusal = toRefusal?.(problem);
    if (refusal !== undefined) return refusal;
    throw problemError(what, problem, options.secrets);
  }
  const content = await readContent(response, options.maxAnswerBytes).catch((error: unknown) => {
    throw lostAnswer(what, error);
  });
  const value = toValue(content);
  if (value === undefined) throw strangeAnswer(what);
  return value;
}

/** Undefined for an empty answer; false, which no content of the protocol is, for one that was cut or is none of ours. */
async function readContent(response: Response, maxBytes: number): Promise<unknown> {
  if (response.status === 204) return undefined;
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/x-ndjson")) return (await readNdjson(response.body, maxBytes)) ?? false;
  if (!type.startsWith("application/json")) {
    await response.body?.cancel();
    return false;
  }
  const text = await bodyText(response.body, maxBytes);
  return text === undefined ? false : JSON.parse(text);
}

async function readProblem(response: Response): Promise<AnsweredProblem> {
  const { status, headers } = response;
  const retryAfter = headers.get("retry-after") ?? undefined;
  const isProblem = headers.get("content-type")?.startsWith("application/problem+json") ?? false;
  try {
    if (isProblem) {
      const members: unknown = JSON.parse((await bodyText(response.body, MAX_PROBLEM_BYTES)) ?? "null");
      return { status, retryAfter, members: { ...(members as object) } };
    }
    await response.body?.cancel();
  } catch {
    // The status says enough.
  }
  return { status, retryAfter, members: {} };
}
