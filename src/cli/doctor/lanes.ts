import { storeOverviews } from "../store-overview.ts";
import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** How many wrote to a store at the same time, ever? Each has a lane of its own, up to 64. */
export async function lanes({ driver, schema, call }: Subject): Promise<Finding | undefined> {
  const stores = await storeOverviews(driver, schema, MAX_STORES, call);
  if (stores === undefined) return undefined;
  const most = Math.max(0, ...stores.map((store) => store.lanes));
  const collected = stores.filter(({ floor }) => floor > 0).length;
  const data = { stores };
  const id = "lanes";
  if (stores.length === 0) return { id, level: "ok", found: "no store has written anything yet", data };
  const count = `${stores.length === MAX_STORES ? "at least " : ""}${stores.length} store${stores.length === 1 ? "" : "s"}`;
  if (most >= MAX_LANES) {
    const full = stores.filter((store) => store.lanes >= MAX_LANES).map(({ store }) => store);
    return {
      id,
      level: "warning",
      found: `${full.slice(0, 3).join(", ")}: all ${MAX_LANES} lanes are open, so writers have waited for each other`,
      change: "keep transactions that write short, or spread the writers over several stores",
      data,
    };
  }
  const floors = collected === 0 ? "no tombstones collected" : `tombstones collected in ${collected}`;
  return { id, level: "ok", found: `${count}, up to ${most} lane${most === 1 ? "" : "s"}; ${floors}`, data };
}

const MAX_LANES = 64;
const MAX_STORES = 1_000;
