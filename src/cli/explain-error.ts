import { type ErrorCode, type Outcome, PersistError } from "../errors.ts";
import { InputError, StoppedError, UsageError } from "./command-errors.ts";
import { connectAdvice } from "./connect-advice.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";

/** What a failed command tells its user. */
export interface Explanation {
  readonly exitCode: ExitCode;
  readonly code: ErrorCode | "usage" | "input" | "bug";
  readonly message: string;
  /** What to do now. */
  readonly next?: string | undefined;
  readonly outcome?: Outcome | undefined;
  readonly sqlstate?: string | undefined;
}

export function explainError(error: unknown): Explanation {
  if (error instanceof UsageError) return { exitCode: exitCodes.usage, code: "usage", message: error.message };
  if (error instanceof InputError) {
    return { exitCode: exitCodes.data, code: "input", message: error.message, next: error.next };
  }
  if (error instanceof StoppedError) {
    const cause = explainError(error.cause);
    return { ...cause, message: `${error.message}: ${cause.message}`, next: error.next };
  }
  if (error instanceof PersistError) {
    const { code, outcome, sqlstate, message } = error;
    return { code, outcome, sqlstate, message, ...judge(error) };
  }
  return {
    exitCode: exitCodes.bug,
    code: "bug",
    message: error instanceof Error ? error.message : "something was thrown that is no error",
    next: "run it again with NODE_DEBUG=onetrip for the stack, and report it",
  };
}

type Verdict = Pick<Explanation, "exitCode" | "next"> & { readonly message?: string };

function judge(error: PersistError): Verdict {
  switch (error.code) {
    case "connection":
    case "timeout":
      return judgeConnection(error);
    case "aborted":
      return { exitCode: exitCodes.interrupted, next: unknownNext(error) };
    case "capability":
      return { exitCode: exitCodes.unavailable };
    case "validation":
      return { exitCode: error.outcome === "not-sent" ? exitCodes.usage : exitCodes.data };
    case "migration":
      return { exitCode: exitCodes.problems, next: "onetrip migrate --check shows what is missing" };
    case "database":
      return judgeDatabase(error);
    case "conflict":
      return { exitCode: exitCodes.problems, next: "somebody was faster: read again, then decide" };
    case "forbidden":
      return { exitCode: exitCodes.problems, next: "check the token: its scopes, its stores, whether it has expired" };
    case "not-found":
    case "resync":
    case "closed":
      return { exitCode: exitCodes.problems };
  }
}

function judgeConnection(error: PersistError): Verdict {
  if (error.outcome === "not-sent") {
    const { what, next } = connectAdvice(error);
    return { exitCode: exitCodes.unreachable, message: `no connection: ${what}`, next };
  }
  if (error.outcome === "unknown") return { exitCode: exitCodes.temporary, next: unknownNext(error) };
  const again = error.code === "timeout" ? "--timeout gives it longer" : "try again in a moment";
  return error.retryable
    ? { exitCode: exitCodes.temporary, next: again }
    : { exitCode: exitCodes.problems, next: connectAdvice(error).next };
}

function judgeDatabase(error: PersistError): Verdict {
  if (error.retryable) return { exitCode: exitCodes.temporary, next: "nothing was written; try again" };
  return { exitCode: exitCodes.problems, next: sqlstateNext[error.sqlstate ?? ""] ?? missingNext(error.sqlstate) };
}

const sqlstateNext: Readonly<Record<string, string>> = {
  "25006": "this was a read-only transaction: add --write if it is meant to change something",
  "42501": "the role lacks a right; onetrip doctor says which, or connect as another role",
  "42601": "correct the statement; one statement at a time",
};

function missingNext(sqlstate: string | undefined): string | undefined {
  if (sqlstate === "42P01" || sqlstate === "3F000")
    return "is it there? onetrip migrate creates the tables of the stores";
  return sqlstate === "42883" || sqlstate === "42703"
    ? "check the name, and the types; onetrip migrate --check"
    : undefined;
}

function unknownNext({ outcome }: PersistError): string | undefined {
  return outcome === "unknown" ? "look what is there before you do it again" : undefined;
}
