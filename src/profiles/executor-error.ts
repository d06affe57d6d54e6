import { connectionLost, type ServerErrorFields, serverError } from "../driver/server-error.ts";
import { PersistError } from "../errors.ts";

/** What a client of the application threw, as an error of this package: decided on SQLSTATE, never on a message. */
export function executorError(error: unknown): PersistError {
  if (error instanceof PersistError) return error;
  if (error instanceof Error && "code" in error && typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)) {
    const { code, message, severity, detail } = error as Error & ServerErrorFields;
    return serverError({ code, message, severity, detail }, "query");
  }
  return connectionLost("profiles", true, error);
}
