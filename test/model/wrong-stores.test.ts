import { afterAll, describe, expect, it } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { newSeed, runSchedules } from "./schedules.ts";
import { wrongStores } from "./wrong-stores.ts";

describe("a store that is wrong in one thing is found out", () => {
  const driver = pglite();
  afterAll(() => driver.close());

  for (const { mistake, shownBy, spoil } of wrongStores) {
    it(`when it ${mistake}`, { timeout: 60_000 }, async () => {
      const open = async (name: string) => spoil(await createStore(name, { driver }), driver);
      const failure = await failureOf(runSchedules(open, { schedules: 3000, seed: newSeed() }));
      expect(failure).toMatch(/^store and model differ/);
      expect(failure).toMatch(shownBy);
      expect(callsOf(failure).length).toBeLessThanOrEqual(5);
    });
  }

  it("and its failure names the schedule, which runs again alone", async () => {
    const [wrong] = wrongStores;
    if (wrong === undefined) throw new Error("there is no wrong store");
    const open = async (name: string) => wrong.spoil(await createStore(name, { driver }), driver);
    const failure = await failureOf(runSchedules(open, { schedules: 1000, seed: 7 }));
    const [, seed, path, replayPath] = /--seed (\S+) --path (\S+) --replay (\S+)$/.exec(failure) ?? [];
    const again = await failureOf(runSchedules(open, { schedules: 1, seed: Number(seed), path, replayPath }));
    expect(again).toContain("(schedule 1, shrunk 0 times)");
    expect(callsOf(again)).toEqual(callsOf(failure));
  });
});

async function failureOf(run: Promise<void>): Promise<string> {
  return run.then(
    () => "nothing was found",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

function callsOf(failure: string): readonly string[] {
  return failure.split("\n").filter((line) => line.startsWith("  "));
}
