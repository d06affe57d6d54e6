import type { Driver } from "../../src/driver.ts";

/** Until so many backends of the driver's database wait for a lock. */
export async function untilWaiting(driver: Driver, count = 1): Promise<void> {
  const text = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  while ((await driver.query({ text, params: [] })).length < count) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
