import { describe, expect, it } from "vitest";
import { endsSession, type Phase, serverError } from "../../src/driver/server-error.ts";

const fields = (severity: string, code: string, more: object = {}) => ({ severity, code, message: "said", ...more });
const statementPhases: readonly Phase[] = ["query", "batch"];

describe("what ends the session under a statement", () => {
  it.each([
    ["PANIC", "53100"],
    ["PANIC", "XX000"],
    ["PANIC", "53300"],
    ["FATAL", "53200"],
    ["FATAL", "25P04"],
    ["FATAL", "57P01"],
    ["FATAL", "57P05"],
    ["FATAL", "08P01"],
  ])("may have come after its commit (%s %s)", (severity, code) => {
    for (const phase of statementPhases) {
      const error = serverError(fields(severity, code), phase);
      expect(error).toMatchObject({ code: "connection", outcome: "unknown", retryable: true, sqlstate: code });
    }
    expect(endsSession(fields(severity, code))).toBe(true);
  });

  it.each([
    ["FATAL", "53300", true],
    ["FATAL", "57P03", true],
    ["FATAL", "28P01", false],
    ["FATAL", "3D000", false],
  ])("may have been no session yet (%s %s)", (severity, code, retryable) => {
    expect(serverError(fields(severity, code), "query")).toMatchObject({ outcome: "rejected", retryable });
  });

  it("is nothing that a statement was sent before, while connecting", () => {
    expect(serverError(fields("PANIC", "53100"), "connect")).toMatchObject({ outcome: "not-sent", retryable: true });
  });
});

it("an error about resources leaves nothing behind and may pass", () => {
  const error = serverError(fields("ERROR", "53100"), "query");
  expect(error).toMatchObject({ code: "database", outcome: "rejected", retryable: true });
  expect(serverError(fields("ERROR", "53100"), "batch")).toMatchObject({ outcome: "rolled-back" });
});

describe("class 08", () => {
  it("is an answer when a routine of the server reports it as an error", () => {
    const answered = fields("ERROR", "08P01", { routine: "exec_bind_message" });
    expect(serverError(answered, "query")).toMatchObject({ code: "database", outcome: "rejected", retryable: false });
    expect(serverError(answered, "batch")).toMatchObject({ outcome: "rolled-back", retryable: false });
    expect(endsSession(answered)).toBe(false);
  });

  it("is a lost session when a pooler says it, as an error too", () => {
    for (const severity of ["ERROR", "FATAL"]) {
      const lost = fields(severity, "08P01", { message: "server conn crashed?" });
      expect(serverError(lost, "query")).toMatchObject({ code: "connection", outcome: "unknown", retryable: true });
      const busy = fields(severity, "08P01", { message: "query_wait_timeout" });
      expect(serverError(busy, "query")).toMatchObject({ code: "connection", outcome: "not-sent", retryable: true });
    }
  });
});
