import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Store } from "../../../src/create-store.ts";
import { faultyReplica } from "../faulty.ts";
import { contentOf, withSyncStores } from "../sync-stores.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyFaults, clocksOf, queueOf, syncThrough } from "./device-sync.ts";
import { droppingOne, honest, type Wrap } from "./wrong-replicas.ts";

const stores = withSyncStores();

describe("convergence: when writes and faults stop, all stores hold the same, and nothing waits", () => {
  it("two devices, a server and a model of what each of them wrote", () => holds(everybodyAgrees(honest)));

  it("is violated by a replica that drops a change of a page", () =>
    isViolated(everybodyAgrees(droppingOne), /is as in the model/));

  it("is violated by a replica that takes pushes and does nothing", () =>
    isViolated(everybodyAgrees(idle), /is as in the model/));
});

/** Members are added to sets that all share. The rest has one writer. */
const anyEdit = fc.tuple(
  fc.constantFrom("add", "add", "put", "delete", "set", "unset", "append"),
  fc.constantFrom("x", "y"),
);
const anyTurn = fc.oneof(
  fc.record({ at: fc.constantFrom(0, 1, 2), edits: fc.array(anyEdit, { minLength: 1, maxLength: 3 }) }),
  fc.record({ device: fc.constantFrom(1, 2), faults: anyFaults }),
);

const MAX_ROUNDS = 8;

function everybodyAgrees(wrap: Wrap) {
  return fc.asyncProperty(fc.array(anyTurn, { minLength: 3, maxLength: 8, size: "max" }), async (turns) => {
    const server = await stores.store("server");
    const devices = [await stores.store("device"), await stores.store("device")] as const;
    const links = devices.map(() => faultyReplica(wrap(stores.replica(server))));
    const everybody = [server, ...devices];
    const model = newModel();
    const sync = async (index: number, faults: Parameters<typeof syncThrough>[2]) => {
      const [device, link] = [devices[index], links[index]];
      if (device && link) await syncThrough(device, link, faults, { strategy: "merge" });
    };

    for (const turn of turns) {
      const writer = "at" in turn ? everybody[turn.at] : undefined;
      if ("device" in turn) await sync(turn.device - 1, turn.faults);
      else if (writer) for (const [what, key] of turn.edits) await model.write(writer, { what, key, by: turn.at });
    }

    let clocks = "";
    for (let round = 0; ; round++) {
      for (const index of devices.keys()) await sync(index, []);
      const before = clocks;
      clocks = await clocksOf(stores.driver(), everybody);
      if (clocks === before) break;
      expect(round, "comes to rest").toBeLessThan(MAX_ROUNDS);
    }
    for (const store of everybody) {
      const { records, kv, events } = await contentOf(store);
      const ids = events.map(({ id }) => id).toSorted();
      expect({ records, kv, ids }, `${store.name} is as in the model`).toEqual(model.content());
      expect(events, "in the same order").toEqual((await contentOf(server)).events);
    }
    for (const device of devices) expect(await queueOf(stores.driver(), device), "nothing waits").toEqual([]);
  });
}

interface Edit {
  readonly what: string;
  readonly key: string;
  /** Who writes. */
  readonly by: number;
}

/** Does not depend on any clock. */
function newModel() {
  const sets = new Map<string, Record<string, number>>();
  const records = new Map<string, unknown>();
  const kv = new Map<string, unknown>();
  const ids: string[] = [];
  let count = 0;

  return {
    content: () => ({
      records: Object.fromEntries([...sets, ...records]),
      kv: Object.fromEntries(kv),
      ids: ids.toSorted(),
    }),
    async write(store: Store, { what, key, by }: Edit): Promise<void> {
      count += 1;
      const own = `${by}/${key}`;
      if (what === "add") {
        const set = (await store.records.find(`set/${key}`))?.value;
        await store.records.put(`set/${key}`, { ...(set as object | undefined), [`${by}.${count}`]: 1 });
        sets.set(`set/${key}`, { ...sets.get(`set/${key}`), [`${by}.${count}`]: 1 });
      } else if (what === "put") {
        await store.records.put(own, { count });
        records.set(own, { count });
      } else if (what === "delete") {
        await store.records.delete(own);
        records.delete(own);
      } else if (what === "set") {
        await store.kv.set(own, count);
        kv.set(own, count);
      } else if (what === "unset") {
        await store.kv.delete(own);
        kv.delete(own);
      } else {
        const id = crypto.randomUUID();
        await store.events.append(key, { count }, { id });
        ids.push(id);
      }
    },
  };
}

const idle: Wrap = (replica) => ({
  ...replica,
  async push({ mutations }, options) {
    const { head } = await replica.head(options);
    const results = mutations.map(({ id }) => ({ id, status: "applied", version: 1, seq: "0:1" }) as const);
    return { results, lastMutation: mutations.at(-1)?.id ?? 0, head };
  },
});
