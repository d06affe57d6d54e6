import { writeOnDevice, writeOnServer } from "./application-writes.ts";
import { type Device, device, endLeases } from "./device.ts";
import { type Disasters, disasters } from "./disasters.ts";
import { type PlainClient, plainClient } from "./plain-client.ts";
import { alone, storeOf, type World } from "./world.ts";
import { anyWrite, hugeWrite, recordKeys } from "./writes.ts";

/** Who takes part in a schedule, and what can happen next. */
export interface Stage {
  readonly devices: readonly Device[];
  readonly plain: PlainClient;
  /** One random step. */
  step(): Promise<void>;
}

const DEVICES = 5;

export function stage(world: World): Stage {
  const { dice, name, note } = world;
  const { random } = dice;
  const devices: Device[] = Array.from({ length: DEVICES }, (_, index) =>
    device(world, `${name}/c${index + 1}`, index % 2 === 0 ? "direct" : "http"),
  );
  const plain = plainClient(world);
  const disaster: Disasters = disasters(world, () => ({ devices, plain }));
  let tags = 0;

  function tag(of: string): string {
    tags += 1;
    return `${of}.${tags}`;
  }

  const anyDevice = () => random.pick(devices);

  async function edit(): Promise<void> {
    const { name: store } = anyDevice();
    const short = store.slice(name.length + 1);
    const fault = dice.roll(0.05, ["huge value"]);
    if (fault !== undefined) dice.happened(fault);
    await writeOnDevice(world, store, fault ? hugeWrite(dice, tag(short)) : anyWrite(dice, tag(short)));
  }

  async function sync(): Promise<void> {
    const each = anyDevice();
    note(`${each.name}: sync`);
    if (random.chance(0.7)) await endLeases(world, [each.name]);
    await each.sync();
  }

  /** Some of them twice: two processes of one device. */
  async function syncTogether(): Promise<void> {
    const some = Array.from({ length: 2 + random.int(3) }, anyDevice);
    note(`at the same time: ${some.map((each) => each.name).join(", ")}`);
    if (random.chance(0.7))
      await endLeases(
        world,
        some.map((each) => each.name),
      );
    const others = [
      edit,
      edit,
      () => plain.push(),
      () => plain.pull("page"),
      () => writeOnServer(world, anyWrite(dice, tag("server"))),
    ];
    await Promise.all([...some.map((each) => each.sync()), random.pick(others)(), random.pick(others)()]);
  }

  /** Somebody has written on the server, and the others go on while the transaction is open. */
  async function syncBesideTransaction(): Promise<void> {
    const transaction = await world.ground.openTransaction?.();
    if (transaction === undefined) return;
    tags += 1;
    const value = JSON.stringify({ by: `long.${tags}` });
    const key = random.pick(recordKeys);
    note(`server: put ${key} ${value} in a transaction that stays open`);
    await transaction.run("select status from persist.record_put($1, $2, $3, null)", [world.server, key, value]);
    world.ledger.wroteAtServer(`record:${key}`);
    dice.happened("long transaction on the lane");
    await Promise.all([anyDevice().sync(), anyDevice().sync(), plain.push()]);
    await anyDevice().sync();
    await transaction.end(random.chance(0.8) ? "commit" : "rollback");
  }

  async function copyDevice(): Promise<void> {
    if (devices.length > DEVICES) return;
    const original = anyDevice();
    const copy = device(world, `${original.name}~copy`, original.way);
    await world.ground.quiet();
    await alone(world, () => world.copies.copy(original.name, copy.name));
    world.ledger.copied(original.name, copy.name);
    devices.push(copy);
    note(`${original.name}: copied`);
    dice.happened("two copies of one client");
  }

  async function sweep(): Promise<void> {
    const store = await storeOf(world.apart, anyDevice().name);
    await store.kv.sweep();
  }

  /** Steps and their weights. */
  const steps: readonly (readonly [weight: number, run: () => Promise<unknown>])[] = [
    [30, edit],
    [8, () => writeOnServer(world, anyWrite(dice, tag("server")))],
    [22, sync],
    [8, syncTogether],
    [7, () => plain.push()],
    [4, () => plain.pull("page")],
    [3, () => world.held.deliver()],
    [2.5, disaster.collect],
    [1, sweep],
    [2, () => disaster.rewindCursor(anyDevice())],
    [1, copyDevice],
    [1, disaster.backUp],
    [1.2, () => disaster.restore("new")],
    [1.2, () => disaster.restore("same")],
    [0.5, disaster.changeEpoch],
    [world.ground.openTransaction ? 3 : 0, syncBesideTransaction],
  ];
  const total = steps.reduce((sum, [weight]) => sum + weight, 0);

  return {
    devices,
    plain,
    async step() {
      let left = random.next() * total;
      for (const [weight, run] of steps) {
        left -= weight;
        if (left >= 0) continue;
        await run();
        return;
      }
    },
  };
}
