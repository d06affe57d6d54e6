import { connectionLost, serverError } from "../driver/server-error.ts";
import { PersistError } from "../errors.ts";

/** What a client of the application threw, as an error of this package: decided on SQLSTATE, never on a message. */
export function executorError(error: unknown): PersistError {
  if (error instanceof PersistError) return error;
  if (error instanceof Error && "code" in error && typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)) {
    return serverError({ code: error.code, message: error.message }, "query");
  }
  return connectionLost("profiles", true, error);
}
