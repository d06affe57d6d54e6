import { NeonDbError } from "@neondatabase/serverless";
import { expect, it } from "vitest";
import { neonHttpError } from "../../src/driver/neon-http-error.ts";

/** As Neon's client makes it of an answer that is neither 200 nor 400. */
function answer(status: number, message: string): NeonDbError {
  return new NeonDbError(`Server error (HTTP status ${status}): ${JSON.stringify({ message, code: "" })}`);
}

it.each([
  [500, "Couldn't connect to compute node"],
  [500, "error connecting to server"],
  [500, "Failed to acquire permit to connect to the database."],
  [500, "Control plane request failed"],
])("%i %s: the database was not reached, so nothing was applied", (status, message) => {
  for (const phase of ["query", "batch"] as const) {
    expect(neonHttpError(answer(status, message), phase)).toMatchObject({
      code: "connection",
      outcome: "rejected",
      retryable: true,
      retryAfterMs: 250,
    });
  }
});

it.each([
  [500, "query was cancelled"],
  [500, "could not parse postgres response"],
  [502, "Couldn't connect to compute node"],
])("%i %s: it may have been applied", (status, message) => {
  expect(neonHttpError(answer(status, message), "query")).toMatchObject({ code: "connection", outcome: "unknown" });
});

it.each(["53300", "57P03"])("a session that is refused (%s) was never in a transaction", (code) => {
  const refused = Object.assign(new NeonDbError("refused"), { code, severity: "FATAL" });
  for (const phase of ["query", "batch"] as const) {
    expect(neonHttpError(refused, phase)).toMatchObject({ code: "connection", outcome: "rejected", retryable: true });
  }
});
