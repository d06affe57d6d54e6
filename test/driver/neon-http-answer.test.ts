import { neonConfig } from "@neondatabase/serverless";
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from "vitest";
import { neonHttp } from "../../src/driver/neon-http.ts";
import { watchAnswer } from "../../src/driver/neon-http-answer.ts";
import { withRetry } from "../../src/driver/retry.ts";
import { type LocalNeon, startLocalNeon } from "../../src/local/index.ts";
import { failureOf } from "../contract/store.ts";

const statement = { text: "select 1 as one", params: [] };

describe("how long a busy Neon asks to wait", () => {
  let local: LocalNeon;
  beforeAll(async () => {
    local = await startLocalNeon({ database: inject("servers").postgres });
  });
  afterEach(() => local.faults.clear());
  afterAll(() => local.close());

  it.each(["too-many-requests", "unavailable"] as const)("is told by the error: %s", async (kind) => {
    const driver = neonHttp(local.url);
    for (const send of [() => driver.query(statement), () => driver.batch([statement, statement])]) {
      local.faults.arm({ kind, retryAfterSeconds: 7 });
      expect(await failureOf(send())).toMatchObject({ outcome: "rejected", retryable: true, retryAfterMs: 7000 });
    }
    expect(await driver.query(statement)).toEqual([{ one: 1 }]);
  });

  it("is honoured, each call by its own answer", async () => {
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    const driver = withRetry(neonHttp(local.url), { sleep, random: () => 0 });
    local.faults.arm({ kind: "unavailable", retryAfterSeconds: 3 });
    local.faults.arm({ kind: "unavailable", retryAfterSeconds: 5 });
    await Promise.all(Array.from({ length: 4 }, () => driver.query(statement)));
    expect(waits.toSorted()).toEqual([3000, 5000]);
  });

  it("is heard without a trace in the client's global settings, and through the fetch that an application has put there", async () => {
    const requests: string[] = [];
    const own = (url: string, init: RequestInit) => {
      requests.push(url);
      return fetch(url, init);
    };
    neonConfig.fetchFunction = own;
    try {
      local.faults.arm({ kind: "unavailable", retryAfterSeconds: 2 });
      const call = neonHttp(local.url).query(statement);
      expect(neonConfig.fetchFunction).toBe(own);
      expect(await failureOf(call)).toMatchObject({ retryAfterMs: 2000 });
      expect(requests).toHaveLength(1);
    } finally {
      neonConfig.fetchFunction = undefined;
    }
  });
});

it("a request that cannot begin leaves the client's settings as they were", () => {
  const before = neonConfig.fetchFunction;
  const failing = () => {
    throw new Error("no");
  };
  expect(() => watchAnswer(failing, () => undefined)).toThrow("no");
  expect(neonConfig.fetchFunction).toBe(before);
});
