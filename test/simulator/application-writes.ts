import type { Driver } from "../../src/driver.ts";
import { readStores, type StoredRow } from "./store-rows.ts";
import { alone, storeOf, type World } from "./world.ts";
import type { Write } from "./writes.ts";

/** The application writes on a device, whose clock may be wrong. */
export function writeOnDevice(world: World, name: string, write: Write): Promise<void> {
  world.note(`${name}: ${write.text}`);
  return alone(world, async (driver) => {
    const before = await versionsOf(driver, name, write.places);
    const result = await write.send(await storeOf(driver, name));
    if (isEvent(result)) world.ledger.appended.add(result.id);
    if (write.places.length === 0) return;
    for (const place of write.places) await bendClock(world, driver, { name, place });

    const after = await rowsOf(driver, name);
    for (const place of write.places) {
      const row = after.get(place);
      if (row === undefined || row.version === (before.get(place) ?? 0)) continue;
      // Where others write at the same time it may be theirs already.
      const isOwn = world.model !== undefined || valueText(row).includes(write.mark);
      // Where the server never had it, there is nothing to delete.
      const isEdit = isOwn && write.isLasting && (!row.deleted || (await isKnown(driver, name, place)));
      if (!isEdit) world.ledger.unwrote(name, place);
      if (!isEdit) continue;
      world.ledger.wrote({ device: name, place, version: row.version, value: valueText(row) });
    }
  });
}

/** The application writes on the server itself. */
export function writeOnServer(world: World, write: Write): Promise<void> {
  const { server, model } = world;
  world.note(`server: ${write.text}`);
  for (const place of write.places) world.ledger.wroteAtServer(place);
  return alone(world, async (driver) => {
    await write.send(await storeOf(driver, server));
    const after = await rowsOf(driver, server);
    // A deletion that a device makes too needs no sending any more.
    for (const place of write.places) if (after.get(place)?.deleted) world.ledger.applied.add(`${place} deleted`);
    if (model === undefined) return;
    const before = model.rows();
    for (const [place, row] of after) {
      const rise = row.version - (before.get(place)?.version ?? 0);
      const most = write.places.includes(place) ? 1 : 0;
      if (rise < 0 || rise > most) world.found(new Error(`${write.text}: the version of ${place} rose by ${rise}`));
    }
    model.load(after);
  });
}

/** A value as the ledger knows it. */
export function valueText({ deleted, value }: Pick<StoredRow, "deleted" | "value">): string {
  return deleted ? "deleted" : JSON.stringify(value);
}

async function rowsOf(driver: Driver, store: string): Promise<ReadonlyMap<string, StoredRow>> {
  return (await readStores(driver, [store])).get(store)?.rows ?? new Map();
}

async function versionsOf(
  driver: Driver,
  store: string,
  places: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (places.length === 0) return new Map();
  const text = `select 'record:' || r.key as place, r.version::float8 as version from persist.persist_records r
where r.store = $1 and 'record:' || r.key = any(array(select jsonb_array_elements_text($2::text::jsonb)))
union all
select 'kv:' || e.key, e.version::float8 from persist.persist_kv e
where e.store = $1 and 'kv:' || e.key = any(array(select jsonb_array_elements_text($2::text::jsonb)))`;
  const rows = await driver.query({ text, params: [store, JSON.stringify(places)] });
  return new Map(rows.map(({ place, version }) => [String(place), Number(version)]));
}

async function isKnown(driver: Driver, store: string, place: string): Promise<boolean> {
  const text = `select key from persist.persist_sync_bases
where store = $1 and kind || ':' || key = $2 and version > 0 and not deleted`;
  return (await driver.query({ text, params: [store, place] })).length > 0;
}

/** Now and then the write was made by a clock that is wrong. */
async function bendClock(
  world: World,
  driver: Driver,
  { name, place }: { name: string; place: string },
): Promise<void> {
  const fault = world.dice.roll(0.15, ["clock an hour ahead", "clock an hour behind", "clock runs backwards"]);
  if (fault === undefined) return;
  const [kind = "", key = ""] = place.split(/:(.*)/s);
  const table = kind === "kv" ? "persist.persist_kv" : "persist.persist_records";
  const [row] = await driver.query({
    text: `update ${table} set updated_at = updated_at + $3::text::float8 * interval '1 millisecond'
where store = $1 and key = $2 and hlc_version is distinct from version returning key`,
    params: [name, key, String(offsetsMs[fault])],
  });
  if (row !== undefined) world.dice.happened(fault);
}

const offsetsMs = {
  "clock an hour ahead": 3_600_000,
  "clock an hour behind": -3_600_000,
  "clock runs backwards": -5000,
} as const;

function isEvent(result: unknown): result is { readonly id: string } {
  return typeof result === "object" && result !== null && "stream" in result && "id" in result;
}
