import { describe, expect, it } from "vitest";
import type { Driver } from "../../src/driver.ts";
import { ConnectionError, PersistError } from "../../src/errors.ts";
import { migrate } from "../../src/migrate/migrate.ts";
import { failureOf } from "../contract/store.ts";

/** A driver whose batches fail so many times before one succeeds. */
function failing(error: Error, times: number) {
  const seen = { batches: 0 };
  const driver: Driver = {
    name: "failing",
    query: async () => [],
    batch: async () => {
      seen.batches++;
      if (seen.batches <= times) throw error;
      return [[]];
    },
    close: async () => undefined,
  };
  return { seen, driver };
}

const refused = (sqlstate: string, message = "refused") =>
  new PersistError("database", message, { outcome: "rolled-back", sqlstate });
const options = { random: () => 0 };

describe("an attempt to migrate", () => {
  for (const sqlstate of ["40001", "40P01", "55P03"]) {
    it(`is repeated as often as it takes after ${sqlstate}`, async () => {
      const { seen, driver } = failing(refused(sqlstate), 20);
      await migrate(driver, [], { schema: "s" }, options);
      expect(seen.batches).toBe(21);
    });
  }

  for (const sqlstate of ["23505", "42P06", "42P07", "42710", "42723"]) {
    it(`is repeated after ${sqlstate}, until it is clear that no race is the reason`, async () => {
      const race = failing(refused(sqlstate), 3);
      await migrate(race.driver, [], { schema: "s" }, options);
      const inTheWay = failing(refused(sqlstate), 99);
      expect(await failureOf(migrate(inTheWay.driver, [], { schema: "s" }, options))).toMatchObject({
        code: "migration",
        sqlstate,
      });
      expect([race.seen.batches, inTheWay.seen.batches]).toEqual([4, 4]);
    });
  }

  it("is repeated after XX000 only for a tuple that was changed meanwhile", async () => {
    const concurrent = failing(refused("XX000", "batch: tuple concurrently updated (SQLSTATE XX000)"), 2);
    await migrate(concurrent.driver, [], { schema: "s" }, options);
    const internal = failing(refused("XX000", "batch: cache lookup failed"), 2);
    expect(await failureOf(migrate(internal.driver, [], { schema: "s" }, options))).toMatchObject({
      sqlstate: "XX000",
    });
    expect([concurrent.seen.batches, internal.seen.batches]).toEqual([3, 1]);
  });

  it("is not repeated after anything else", async () => {
    for (const error of [
      refused("42601"),
      refused("OT001"),
      new ConnectionError("lost", { outcome: "unknown", sqlstate: "40001" }),
    ]) {
      const { seen, driver } = failing(error, 1);
      await failureOf(migrate(driver, [], { schema: "s" }, options));
      expect(seen.batches).toBe(1);
    }
  });

  it("waits longer from one to the next, at random, and stops when the caller gives up", async () => {
    const gaveUp = new AbortController();
    const { seen, driver } = failing(refused("55P03"), 99);
    const running = migrate(driver, [], { schema: "s" }, { signal: gaveUp.signal, random: () => 0.999 });
    setTimeout(() => gaveUp.abort(), 200);
    expect(await failureOf(running)).toMatchObject({ code: "aborted" });
    expect(seen.batches).toBeGreaterThan(1);
    expect(seen.batches).toBeLessThan(5);
  });
});
