import { connectAdvice } from "../connect-advice.ts";
import type { Finding } from "./finding.ts";

/** Why was there no connection? */
export function unreachable(error: unknown): Finding {
  const { kind, what, next } = connectAdvice(error);
  return { id: "reachable", level: "failure", found: what, change: next, data: { problem: kind } };
}

/** @param ms the time to the first answer, with connecting and logging in */
export function reachable(ms: number): Finding {
  const connectMs = Math.round(ms * 10) / 10;
  return { id: "reachable", level: "ok", found: `first answer after ${connectMs} ms`, data: { connectMs } };
}
