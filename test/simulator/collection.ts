import { readStores } from "./store-rows.ts";
import { alone, type World } from "./world.ts";

/** Collects the tombstones of the server, however young, and says how many there were. */
export function collectTombstones(world: World): Promise<number> {
  const { server, model } = world;
  return alone(world, async (driver) => {
    let total = 0;
    for (let isMore = true; isMore; ) {
      const text = "select collected, lane, more from persist.sync_collect($1, $2, $3)";
      const [row] = await driver.query({ text, params: [server, "-1000", 100] });
      total += Number(row?.["collected"]);
      isMore = row?.["more"] === true;
    }
    if (model === undefined || total === 0) return total;
    const after = (await readStores(driver, [server])).get(server)?.rows ?? new Map();
    for (const [place, { deleted }] of model.rows()) {
      if (!deleted && !after.has(place)) world.found(new Error(`${place} was collected and is no tombstone`));
    }
    model.load(after);
    return total;
  });
}
