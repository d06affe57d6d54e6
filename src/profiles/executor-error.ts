import { connectionLost, isServersWord, type ServerErrorFields, serverError } from "../driver/server-error.ts";
import { PersistError } from "../errors.ts";

/** What postgres.js has of PgBouncer's errors. */
interface SeverityOfPostgresJs {
  readonly severity_local?: string | undefined;
}

/** What a client of the application threw, as an error of this package: decided on SQLSTATE, never on a message. */
export function executorError(error: unknown): PersistError {
  if (error instanceof PersistError) return error;
  if (error instanceof Error) {
    const { code, message, detail, routine, ...more } = error as Error & ServerErrorFields & SeverityOfPostgresJs;
    // The client of Neon's HTTP endpoint may leave the severity out of an answer.
    const severity = more.severity ?? more.severity_local ?? (error.name === "NeonDbError" ? "ERROR" : undefined);
    const fields = { code, message, severity, detail, routine };
    if (isServersWord(fields)) return serverError(fields, "query");
  }
  return connectionLost("profiles", true, error);
}
