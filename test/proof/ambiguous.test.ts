import { describe, expect, inject, it } from "vitest";
import { runAmbiguous } from "../../scripts/proof/ambiguous.ts";
import { lossyRoutes } from "../../scripts/proof/lossy-routes.ts";

describe("increments whose replies are lost after the commit", () => {
  for (const route of lossyRoutes) {
    const options = { increments: 200, loss: 0.1, lanes: 4 };

    it(`are counted once over ${route.name}, with keys`, { timeout: 60_000 }, async () => {
      const result = await runAmbiguous(inject("servers").postgres, route, "keyed", options);
      expect(result).toMatchObject({ increments: 200, lost: 0, doubled: 0 });
      expect(result.lostReplies).toBeGreaterThan(5);
      expect(result.retries).toBeGreaterThanOrEqual(result.lostReplies);
    });

    it(`are doubled over ${route.name} without, so this test can fail`, { timeout: 60_000 }, async () => {
      const result = await runAmbiguous(inject("servers").postgres, route, "by hand", options);
      expect(result.doubled).toBeGreaterThan(5);
    });
  }
});
