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

it.each(["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE", "UND_ERR_BODY_TIMEOUT"])(
  "%s is no word of the server: the answer was lost, and it may have been applied",
  (code) => {
    const lost = Object.assign(new Error("Premature close"), { code });
    for (const phase of ["query", "batch"] as const) {
      expect(neonHttpError(lost, phase)).toMatchObject({ code: "connection", outcome: "unknown", sqlstate: undefined });
    }
  },
);

it("an answer with a SQLSTATE is the server's word, with a severity or without", () => {
  for (const severity of ["ERROR", undefined]) {
    const refused = Object.assign(new NeonDbError("no"), { code: "23505", severity });
    expect(neonHttpError(refused, "query")).toMatchObject({ code: "database", outcome: "rejected", sqlstate: "23505" });
  }
});

/** As Node's fetch nests it, in the error of Neon's client. */
function network(cause: object) {
  const sourceError = Object.assign(new TypeError("fetch failed"), { cause });
  return Object.assign(new NeonDbError("Error connecting to database"), { sourceError });
}

it("what fails while connecting was not sent; the same on a connection that was kept alive may have been", () => {
  const failed = (code: string, syscall: string) => Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
  const both = Object.assign(new AggregateError([1, 2].map(() => failed("ENETUNREACH", "connect"))), {
    code: "ENETUNREACH",
  });
  for (const cause of [
    failed("ECONNREFUSED", "connect"),
    Object.assign(new AggregateError([]), { code: "ECONNREFUSED" }),
    failed("ENOTFOUND", "getaddrinfo"),
    failed("EHOSTUNREACH", "connect"),
    both,
  ]) {
    expect(neonHttpError(network(cause), "query")).toMatchObject({ outcome: "not-sent" });
  }
  for (const cause of [failed("EHOSTUNREACH", "read"), failed("ENETUNREACH", "write"), failed("ECONNRESET", "read")]) {
    expect(neonHttpError(network(cause), "query")).toMatchObject({ outcome: "unknown" });
  }
});

it.each(["53300", "57P03"])("a session that is refused (%s) was never in a transaction", (code) => {
  const refused = Object.assign(new NeonDbError("refused"), { code, severity: "FATAL" });
  for (const phase of ["query", "batch"] as const) {
    expect(neonHttpError(refused, phase)).toMatchObject({ code: "connection", outcome: "rejected", retryable: true });
  }
});
