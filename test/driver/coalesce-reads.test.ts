import { describe, expect, it, vi } from "vitest";
import { coalesceReads } from "../../src/driver/coalesce-reads.ts";
import type { Driver } from "../../src/driver.ts";
import { PersistError, TimeoutError } from "../../src/errors.ts";

const statement = { text: "select 1", params: [] };

/** A driver whose answers never come, unless the test gives one. */
function silent(): Driver {
  const never = () => new Promise<never>(() => undefined);
  return { name: "silent", query: vi.fn(never), batch: vi.fn(never), close: async () => undefined };
}

describe("coalesceReads", () => {
  it("gives up each read at its own deadline, and the batch at the last", async () => {
    vi.useFakeTimers();
    try {
      const driver = silent();
      const read = coalesceReads(driver);
      const settled: string[] = [];
      for (const timeoutMs of [100, 200]) {
        read(statement, { timeoutMs }).catch((error: unknown) => {
          settled.push(`${timeoutMs} ${error instanceof TimeoutError}`);
        });
      }
      await vi.advanceTimersByTimeAsync(150);
      expect(settled).toEqual(["100 true"]);
      const [, options] = vi.mocked(driver.batch).mock.calls[0] ?? [];
      expect(options?.signal?.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(100);
      expect(settled).toEqual(["100 true", "200 true"]);
      expect(options?.signal?.aborted).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it("counts the time that a failed batch took against the deadline of what is sent again", async () => {
    vi.useFakeTimers();
    try {
      const driver = silent();
      const refused = new PersistError("database", "batch: refused", { outcome: "rolled-back" });
      vi.mocked(driver.batch).mockImplementation(
        () => new Promise((_, reject) => setTimeout(() => reject(refused), 60)),
      );
      const read = coalesceReads(driver);
      const calls = [read(statement, { timeoutMs: 100 }), read(statement, { timeoutMs: 100 })];
      const outcomes = Promise.allSettled(calls);
      await vi.advanceTimersByTimeAsync(70);
      expect(vi.mocked(driver.query).mock.calls.map(([, options]) => options?.timeoutMs)).toEqual([40, 40]);
      await vi.advanceTimersByTimeAsync(40);
      expect(await outcomes).toMatchObject([{ reason: { code: "timeout" } }, { reason: { code: "timeout" } }]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("passes on to all what is no word of the database about a statement", async () => {
    const driver = silent();
    vi.mocked(driver.batch).mockRejectedValue(new Error("a mistake"));
    const read = coalesceReads(driver);
    const outcomes = await Promise.allSettled([read(statement), read(statement)]);
    expect(outcomes).toMatchObject([{ reason: { message: "a mistake" } }, { reason: { message: "a mistake" } }]);
    expect(driver.query).not.toHaveBeenCalled();
  });
});
