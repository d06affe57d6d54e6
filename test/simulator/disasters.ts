import { valueText } from "./application-writes.ts";
import { collectTombstones } from "./collection.ts";
import type { Device } from "./device.ts";
import type { PlainClient } from "./plain-client.ts";
import type { SavedModel } from "./server-model.ts";
import { newEpoch } from "./store-copies.ts";
import { readBases, readStores, type StoredRow } from "./store-rows.ts";
import { alone, type World } from "./world.ts";

/** How often a device tries to pull while its server is hurt. */
const MAX_ATTEMPTS = 50;

const absent = { deleted: true, value: null };

/** What befalls whole databases. */
export interface Disasters {
  backUp(): Promise<void>;
  /** Puts the last backup back, where there is one. */
  restore(epoch: "new" | "same"): Promise<void>;
  changeEpoch(): Promise<void>;
  collect(): Promise<void>;
  /** A device gets back a cursor that it had before. */
  rewindCursor(device: Device): Promise<void>;
}

export interface Participants {
  readonly devices: readonly Device[];
  readonly plain: PlainClient;
}

export function disasters(world: World, participants: () => Participants): Disasters {
  const { copies, dice, ledger, model, note, server } = world;
  const backup = `${server}~backup`;
  let saved: { readonly model: SavedModel | undefined } | undefined;

  /** So that each of them has seen what will be lost, or learns that it is. */
  async function everybodyPulls(): Promise<void> {
    const { devices, plain } = participants();
    await dice.calmly(async () => {
      for (const each of devices) await untilDone(() => each.sync("pull"));
      await untilDone(() => plain.pull("all"));
    });
  }

  async function rowsOfServer() {
    return (await readStores(world.apartInTurn, [server])).get(server)?.rows ?? new Map<string, StoredRow>();
  }

  /** What only the server had is lost with it; what a device still shows, it has to send again. */
  async function forget(before: ReadonlyMap<string, StoredRow>): Promise<void> {
    const names = participants().devices.map(({ name }) => name);
    const stores = await readStores(world.apartInTurn, names);
    const known = await readBases(world.apartInTurn, names);
    const after = await rowsOfServer();
    for (const name of names) {
      for (const [place, row] of stores.get(name)?.rows ?? []) {
        const was = before.get(place) ?? absent;
        const there = after.get(place) ?? absent;
        const baseVersion = known.get(`${name} ${place}`) ?? 0;
        const knowsDeletion = row.deleted && was.deleted && before.get(place)?.version === baseVersion;
        if (row.kind === "record" && knowsDeletion && after.get(place)?.deleted !== true) ledger.deletionLost(place);
        if (row.deleted || valueText(there) === valueText(row)) continue;
        const isLatest = valueText(was) === valueText(row);
        ledger.lostByRestore({ device: name, place, value: valueText(row), baseVersion, isLatest });
      }
    }
  }

  return {
    async backUp() {
      note("server: backup");
      await world.ground.quiet();
      await alone(world, () => copies.copy(server, backup));
      saved = { model: model?.save() };
    },
    async restore(epoch) {
      // The first time it is the backup that is made.
      if (saved === undefined) return this.backUp();
      const { model: modelBefore } = saved;
      // A rewound clock with the same epoch shows only to who is ahead of it.
      if (epoch === "same") await everybodyPulls();
      note(`server: restore, ${epoch} epoch`);
      await world.ground.quiet();
      await alone(world, async () => {
        const before = await rowsOfServer();
        await copies.replace(server, backup, epoch);
        world.restores.count += 1;
        if (modelBefore !== undefined) model?.restore(modelBefore);
        await forget(before);
      });
      if (epoch === "same") await everybodyPulls();
      dice.happened(`restore to an earlier point, ${epoch} epoch`);
    },
    async changeEpoch() {
      await world.apart.query(newEpoch(server));
      dice.happened("epoch change");
    },
    async collect() {
      note(`server: ${await collectTombstones(world)} tombstones collected`);
    },
    async rewindCursor({ name }) {
      const older = ledger.olderCursor(name);
      if (older === undefined) return;
      ledger.mayRewind(name);
      const [row] = await world.apart.query({
        text: `update persist.persist_sync_remotes set cursor = $2, position = $3::text::jsonb
where store = $1 and resync is null and cursor <> $2 returning store`,
        params: [name, older.cursor, older.position],
      });
      if (row !== undefined) dice.happened("old cursor");
    },
  };
}

async function untilDone(sync: () => Promise<boolean>): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    if (await sync()) return;
    await new Promise((resolve) => setTimeout(resolve, attempt));
  }
  throw new Error(`a device could not pull in ${MAX_ATTEMPTS} attempts`);
}
