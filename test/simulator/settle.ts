import { endLeases } from "./device.ts";
import type { Stage } from "./steps.ts";
import { readClocks } from "./store-rows.ts";
import { storeOf, type World } from "./world.ts";

const MAX_ROUNDS = 15;

/**
 * Nothing goes wrong any more: everybody syncs until a whole round writes nothing in any store.
 *
 * @throws Error when that does not come about
 */
export async function settle(world: World, { devices, plain }: Stage): Promise<void> {
  const { dice, apart, held, note, server } = world;
  const names = devices.map(({ name }) => name);
  note("from here on nothing goes wrong");
  dice.calm(true);
  await held.deliver();
  await world.ground.quiet();
  await endLeases(world, names);

  let clocks = "";
  let unfinished: readonly string[] = [];
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    unfinished = [];
    for (const each of devices) {
      if (!(await each.sync())) unfinished = [...unfinished, each.name];
      if (world.strategy === "manual") await decideAll(world, each.name);
    }
    await plain.flush();
    const before = clocks;
    clocks = await readClocks(apart, [server, ...names]);
    if (clocks === before && unfinished.length === 0) {
      await plain.pull("all");
      return;
    }
  }
  const left = unfinished.length > 0 ? `${unfinished.join(", ")} do not come to an end` : "something is still written";
  throw new Error(`after ${MAX_ROUNDS} rounds of sync without a fault ${left}:\n${clocks}`);
}

/** A device that pulls everything once more finds nothing new, and so writes nothing. */
export async function readAgain(world: World, { devices }: Stage): Promise<void> {
  const { apart, dice, ledger, server } = world;
  const names = devices.map(({ name }) => name);
  // What the server will never take meets the server's state again, and loses to it.
  const [row] = await apart.query({
    text: `select coalesce(jsonb_agg(distinct q.store), '[]') as stores from persist.persist_sync_queue q
where q.store = any(array(select jsonb_array_elements_text($1::text::jsonb)))`,
    params: [JSON.stringify(names)],
  });
  const unclean = row?.["stores"] as readonly string[];
  const clean = devices.filter(({ name }) => !unclean.includes(name));
  if (clean.length === 0) return;
  const each = dice.random.pick(clean);
  await apart.query({
    text: `update persist.persist_sync_remotes set cursor = null, "position" = '[]' where store = $1`,
    params: [each.name],
  });
  ledger.mayRewind(each.name);
  // Swept on one side alone, an entry whose life is over is told as it stands on the other.
  for (const name of [server, each.name]) await (await storeOf(apart, name)).kv.sweep();
  const before = await readClocks(apart, [server, ...names]);
  await each.sync();
  const after = await readClocks(apart, [server, ...names]);
  if (after !== before) throw new Error(`${each.name} has written what it had already:\n${before}\n${after}`);
}

/** A person decides every conflict of a device, one way or the other. */
async function decideAll({ dice: { random }, apart, note }: World, name: string): Promise<void> {
  const { records } = await storeOf(apart, name);
  for (const { key } of await records.conflicts()) {
    const winner = random.pick(["local", "remote"] as const);
    note(`${name}: ${winner} wins ${key}`);
    await records.resolve(key, winner);
  }
}
