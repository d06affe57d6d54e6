import { ConnectionError, type Outcome, PersistError, TimeoutError } from "../errors.ts";

/** The same error with another outcome: for who knows more of the write than the call that failed. */
export function withOutcome(error: PersistError, outcome: Outcome): PersistError {
  if (error.outcome === outcome) return error;
  const { message, retryable, sqlstate, retryAfterMs, cause } = error;
  const options = { outcome, retryable, sqlstate, retryAfterMs, cause };
  if (error instanceof TimeoutError) return new TimeoutError(message, options);
  if (error instanceof ConnectionError) return new ConnectionError(message, options);
  return new PersistError(error.code, message, options);
}
