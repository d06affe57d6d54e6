import { PersistError } from "../../src/errors.ts";
import { syncOnce } from "../../src/sync/sync-once.ts";
import { Crash, faultyDriver } from "./faulty-driver.ts";
import { limits, linkToServer, storeOf, type World } from "./world.ts";

/** One device: a store of its own that syncs with the server. */
export interface Device {
  /** Of its store. */
  readonly name: string;
  readonly way: "direct" | "http";
  /** One cycle, by a process that may crash in it. Whether it got to the end with nothing left to do. */
  sync(direction?: "both" | "pull"): Promise<boolean>;
}

/** A cycle that takes so long goes round in circles: it must not keep the schedule from saying so. */
const ENDLESS_MS = 60_000;

/** What the remote is called in the devices' databases. */
export const REMOTE = "server";

export function device(world: World, name: string, way: "direct" | "http"): Device {
  const replica = linkToServer(world, "everybody", way);
  return {
    name,
    way,
    async sync(direction = "both") {
      const faulty = faultyDriver(world.driver, world.dice, "client");
      const store = await storeOf(world.ground.spoilDevice?.(faulty) ?? faulty, name);
      try {
        const { strategy } = world;
        const options = { name: REMOTE, strategy, limits, direction, timeoutMs: 20_000, budgetMs: ENDLESS_MS };
        const report = await syncOnce(store, replica, options);
        if (!report.done) world.note(`  ${name}: not done ${JSON.stringify(report)}`);
        return report.done;
      } catch (error) {
        if (!isExpected(error)) world.found(error);
        world.note(`  ${name}: ${error instanceof Error ? error.message : String(error)}`);
        return false;
      }
    },
  };
}

/** As if the time had passed for which a process that is gone had kept what it sent to itself. */
export async function endLeases(world: World, stores: readonly string[]): Promise<void> {
  await world.apart.query({
    text: `update persist.persist_sync_remotes set lease_until = null
where lease_until is not null and store = any(array(select jsonb_array_elements_text($1::text::jsonb)))`,
    params: [JSON.stringify(stores)],
  });
}

/** What a cycle may fail with while things go wrong. */
function isExpected(error: unknown): boolean {
  if (error instanceof Crash) return true;
  return error instanceof PersistError && codes.has(error.code);
}

/** `validation` for a cursor that the network has spoilt. */
const codes: ReadonlySet<string> = new Set(["connection", "timeout", "database", "resync", "validation", "aborted"]);
