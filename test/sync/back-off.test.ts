import { describe, expect, it } from "vitest";
import { backOffMs, MAX_BACK_OFF_MS } from "../../src/sync/back-off.ts";

describe("backOffMs", () => {
  it("is a random part of a time that doubles, up to a minute", () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 8, 1000].map((failures) => backOffMs(failures, () => 1));
    expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, MAX_BACK_OFF_MS]);
    expect(backOffMs(9, () => 0)).toBe(0);
    expect(backOffMs(2, () => 0.5)).toBe(1000);
  });

  it("comes on top of what the remote asks for", () => {
    expect(backOffMs(1, () => 0.5, 3000)).toBe(3500);
  });
});
