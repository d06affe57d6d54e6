import { describe, expect, inject, it } from "vitest";
import { runFeed } from "../../scripts/proof/feed.ts";

describe("the change feed under concurrent writers", () => {
  const options = { writers: 16, seconds: 2, holdMs: 30, rollbackPercent: 5 };

  it("delivers every committed change once", { timeout: 60_000 }, async () => {
    const result = await runFeed(inject("servers").postgres, "lanes", options);
    expect(result).toMatchObject({ lost: 0, repeated: 0 });
    expect(result.committed).toBeGreaterThan(100);
    expect(result.lanes).toBeGreaterThan(1);
  });

  it("would lose changes over a bare sequence, so this test can fail", { timeout: 60_000 }, async () => {
    const result = await runFeed(inject("servers").postgres, "sequence", options);
    expect(result.lost).toBeGreaterThan(0);
  });
});
