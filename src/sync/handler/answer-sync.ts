import { PersistError } from "../../errors.ts";
import { type Problem, problemResponse, toProblem } from "../../web/problem.ts";
import { answerInfo } from "./answer-info.ts";
import { answerPoke } from "./answer-poke.ts";
import { answerPull } from "./answer-pull.ts";
import { answerPush } from "./answer-push.ts";
import type { SyncHandlerOptions } from "./handler-options.ts";
import { type SyncCall, syncCall } from "./sync-call.ts";

/** What a URL names. */
export interface SyncRoute {
  readonly store: string;
  readonly operation: SyncOperation;
}

export type SyncOperation = keyof typeof answers;

/** The answer to a request of the protocol, a problem where it fails. Never rejects. */
export async function answerSync(request: Request, route: SyncRoute, options: SyncHandlerOptions): Promise<Response> {
  const call = syncCall(request, route.store, options);
  try {
    return await answers[route.operation](call);
  } catch (error) {
    const problem = problemOf(error, route.operation);
    if (problem.status >= 500) options.report?.(error, request);
    return problemResponse(problem);
  } finally {
    call.release();
  }
}

const answers = {
  info: answerInfo,
  pull: answerPull,
  push: answerPush,
  poke: answerPoke,
} as const satisfies Readonly<Record<string, (call: SyncCall) => Promise<Response>>>;

function problemOf(error: unknown, operation: SyncOperation): Problem {
  const problem = toProblem(error);
  if (!(error instanceof PersistError)) return problem;
  // Without a body, everything that is validated comes from the URL.
  if (error.code === "validation" && operation !== "push") return { ...problem, status: 400, code: "malformed" };
  if (error.code !== "capability") return problem;
  return { status: 422, code: "unsupported-op", detail: error.message, members: problem.members };
}
