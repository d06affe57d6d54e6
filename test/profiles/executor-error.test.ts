import { expect, it } from "vitest";
import { executorError } from "../../src/profiles/executor-error.ts";

const thrown = (fields: object) => executorError(Object.assign(new Error("said"), fields));

it("a code without a severity is the runtime's, though it looks like a SQLSTATE", () => {
  for (const code of ["EPIPE", "ECONNRESET"]) {
    expect(thrown({ code })).toMatchObject({ code: "connection", outcome: "unknown", sqlstate: undefined });
  }
});

it("what a server says is decided on its SQLSTATE", () => {
  expect(thrown({ code: "23505", severity: "ERROR" })).toMatchObject({ outcome: "rejected", sqlstate: "23505" });
  const pooler = { code: "08P01", severity_local: "FATAL", message: "query_wait_timeout" };
  expect(thrown(pooler)).toMatchObject({ outcome: "not-sent", retryable: true });
  expect(thrown({ name: "NeonDbError", code: "23505" })).toMatchObject({ outcome: "rejected" });
});
