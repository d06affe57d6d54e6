import type { PushRefusal, Resync } from "../replica.ts";
import type { AnsweredProblem } from "./answer-error.ts";

/** The answer to a cursor that cannot be continued, as a value. Undefined for any other. */
export function toResync({ status, members }: AnsweredProblem): Resync | undefined {
  const { code, why } = members;
  return status === 410 && code === "resync" && isReason(why) ? { resync: why } : undefined;
}

/** The answer to a batch that was not taken, as a value. Undefined for any other. */
export function toPushRefusal(problem: AnsweredProblem): PushRefusal | undefined {
  const { status, members } = problem;
  const { code, lastMutation } = members;
  if (status === 409 && code === "unknown-client") return { refused: code };
  if (status === 409 && code === "gap" && isCount(lastMutation)) return { refused: code, lastMutation };
  if (status === 403 && code === "client-forbidden") return { refused: "forbidden" };
  return toResync(problem);
}

function isReason(why: unknown): why is Resync["resync"] {
  return typeof why === "string" && ["epoch", "rewind", "floor", "scope"].includes(why);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
