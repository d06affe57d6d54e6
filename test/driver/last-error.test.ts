import { describe, expect, it } from "vitest";
import { errorListener } from "../../src/driver/last-error.ts";
import { errorResponse, parameterStatus, readyIdle } from "../../src/local/backend-messages.ts";

const row = Buffer.concat([Buffer.from("D"), Buffer.from([0, 0, 0, 9]), Buffer.from("E\0Z\0\0")]);
const fatal = errorResponse("FATAL", "08P01", "query_wait_timeout");
const heard = { severity: "FATAL", code: "08P01", message: "query_wait_timeout" };

describe("the last error of a server", () => {
  it("is heard wherever the network cuts it, and after other messages", () => {
    const bytes = Buffer.concat([parameterStatus("E", "Z"), row, fatal]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { hear, lastError } = errorListener();
      hear(bytes.subarray(0, cut));
      hear(bytes.subarray(cut));
      expect(lastError()).toMatchObject(heard);
    }
  });

  it("is forgotten when the server is ready for the next query", () => {
    const { hear, lastError } = errorListener();
    hear(Buffer.concat([fatal, readyIdle]));
    expect(lastError()).toBeUndefined();
  });

  it("is none before it is complete", () => {
    const { hear, lastError } = errorListener();
    hear(fatal.subarray(0, -1));
    expect(lastError()).toBeUndefined();
  });
});
