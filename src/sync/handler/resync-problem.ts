import type { Problem } from "../../web/problem.ts";
import type { Resync } from "../replica.ts";

/** 410: the client keeps its pending edits and pulls from the start. */
export function resyncProblem(why: Resync["resync"]): Problem {
  return {
    status: 410,
    code: "resync",
    detail: "The cursor cannot be continued; keep pending edits and pull from the start.",
    members: { why },
  };
}
