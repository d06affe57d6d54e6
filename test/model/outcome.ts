import { ConflictError, PersistError } from "../../src/errors.ts";

/** How a call ended, reduced to what a model can foretell: a plain value, or why it was refused. */
export type Outcome = unknown;

/** A call that changed nothing, and why. */
export interface Refusal {
  readonly refused: string;
  /** Of a conflict: the version that is there, 0 for none. */
  readonly currentVersion?: number;
  /** Of a conflict in a list: the place of what was in the way. */
  readonly part?: number;
}

export function conflict(currentVersion: number, part?: number): Refusal {
  return { refused: "conflict", currentVersion, ...(part !== undefined && { part }) };
}

export function refused(code: string): Refusal {
  return { refused: code };
}

export function isRefusal(outcome: Outcome): outcome is Refusal {
  return typeof outcome === "object" && outcome !== null && "refused" in outcome;
}

/** What a real call comes to. Failures that say that the write may have happened are no outcome: they are thrown on. */
export async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof PersistError) || !expected.has(error.code)) throw error;
    return error instanceof ConflictError ? conflict(error.currentVersion, error.part) : refused(error.code);
  }
}

const expected = new Set(["conflict", "not-found", "validation"]);
