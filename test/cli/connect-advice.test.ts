import { describe, expect, it } from "vitest";
import { connectAdvice } from "../../src/cli/connect-advice.ts";
import { connectFailure } from "../../src/driver/server-error.ts";
import { TimeoutError } from "../../src/errors.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} hunter2`), { code });
}

function serverError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, severity: "FATAL" });
}

describe("every way in which a connection fails has words of its own", () => {
  it.each([
    ["refused", systemError("ECONNREFUSED")],
    ["unknown-host", systemError("ENOTFOUND")],
    ["no-answer", systemError("ETIMEDOUT")],
    ["no-answer", new Error("timeout expired")],
    ["hung-up", new Error("Connection terminated unexpectedly")],
    ["certificate", systemError("DEPTH_ZERO_SELF_SIGNED_CERT")],
    ["certificate", Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" })],
    ["no-tls", new Error("The server does not support SSL connections")],
    ["password", serverError("28P01", 'password authentication failed for user "ada"')],
    ["password", serverError("08P01", "SASL authentication failed")],
    ["not-allowed", serverError("28000", 'no pg_hba.conf entry for host "10.0.0.1"')],
    ["no-database", serverError("3D000", 'database "hunter2" does not exist')],
    ["no-database", serverError("08P01", "no such database: hunter2")],
    ["no-database", serverError("08P01", 'database "hunter2" does not exist')],
    ["full", serverError("53300", "sorry, too many clients already")],
    ["full", serverError("08P01", "no more connections allowed (max_client_conn)")],
    ["starting", serverError("57P03", "the database system is starting up")],
    ["startup-parameter", serverError("08P01", "unsupported startup parameter: options")],
    ["other", new Error("hunter2")],
  ])("%s", (kind, cause) => {
    const advice = connectAdvice(connectFailure(cause));
    expect(advice.kind).toBe(kind);
    expect(JSON.stringify(advice)).not.toContain("hunter2");
  });

  it("a deadline that passed is no answer", () => {
    expect(connectAdvice(new TimeoutError("late", { outcome: "not-sent" })).kind).toBe("no-answer");
  });
});
