import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Store } from "../../../src/create-store.ts";
import { syncOnce } from "../../../src/sync/index.ts";
import { type Fault, faultyReplica } from "../faulty.ts";
import { withSyncStores } from "../sync-stores.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyFaults, syncThrough } from "./device-sync.ts";
import { honest, type Wrap, withBatches, withChanges } from "./wrong-replicas.ts";

const stores = withSyncStores();

describe("events: each is there once, by its id, everywhere in the order in which its stream was appended to", () => {
  it("on two devices and the server, through a network that loses and repeats", () => holds(eventsAreInOrder(honest)));

  it("is violated by a replica that mixes up the events of a push", () =>
    isViolated(eventsAreInOrder(withBatches(reversedEvents)), /in the order of its writer/));

  it("is violated by a replica that gives each event another id", () =>
    isViolated(eventsAreInOrder(withBatches(renamedEvents)), /each once/));

  it("is violated by a replica that leaves an event out", () =>
    isViolated(eventsAreInOrder(withChanges((changes) => changes.slice(1))), /as on the server/));
});

const anyTurn = fc.oneof(
  fc.record({
    at: fc.constantFrom(0, 1, 2),
    appends: fc.array(fc.constantFrom("s", "t"), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ device: fc.constantFrom(1, 2), faults: anyFaults }),
);

function eventsAreInOrder(wrap: Wrap) {
  return fc.asyncProperty(fc.array(anyTurn, { minLength: 3, maxLength: 7, size: "max" }), async (turns) => {
    const server = await stores.store("server");
    const devices = [await stores.store("device"), await stores.store("device")];
    const everybody = [server, ...devices];
    const links = devices.map(() => faultyReplica(wrap(stores.replica(server))));
    const appended: { readonly id: string; readonly stream: string; readonly by: number }[] = [];
    const sync = async (index: number, faults: readonly Fault[]) => {
      const [device, link] = [devices[index], links[index]];
      if (device !== undefined && link !== undefined) await syncThrough(device, link, faults);
    };

    for (const turn of turns) {
      if ("device" in turn) {
        await sync(turn.device - 1, turn.faults);
        continue;
      }
      for (const stream of turn.appends) {
        const id = crypto.randomUUID();
        appended.push({ id, stream, by: turn.at });
        await everybody[turn.at]?.events.append(stream, { by: turn.at }, { id });
      }
    }
    for (const _ of [1, 2]) {
      for (const [index, device] of devices.entries()) {
        links[index]?.plan();
        await syncOnce(device, wrap(stores.replica(server)), { name: "server" });
      }
    }

    for (const stream of ["s", "t"]) {
      const order = await idsOf(server, stream);
      const mine = appended.filter((event) => event.stream === stream);
      expect(order.toSorted(), "each once").toEqual(mine.map(({ id }) => id).toSorted());
      for (const by of everybody.keys()) {
        const own = mine.filter((event) => event.by === by).map(({ id }) => id);
        expect(
          order.filter((id) => own.includes(id)),
          "in the order of its writer",
        ).toEqual(own);
      }
      for (const device of devices) expect(await idsOf(device, stream), "as on the server").toEqual(order);
    }
  });
}

async function idsOf(store: Store, stream: string): Promise<string[]> {
  const events = await store.events.list({ stream, limit: 1000 });
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
  return events.map(({ id }) => id);
}

type Batch = Parameters<Parameters<typeof withBatches>[0]>[0];

function reversedEvents(batch: Batch): Batch {
  const appends = batch.mutations.filter((mutation) => mutation.op === "append").reverse();
  const isAll = appends.length === batch.mutations.length;
  return isAll
    ? { ...batch, mutations: appends.map((mutation, index) => ({ ...mutation, id: batch.mutations[index]?.id ?? 0 })) }
    : batch;
}

function renamedEvents(batch: Batch): Batch {
  const mutations = batch.mutations.map((mutation) =>
    mutation.op === "append" ? { ...mutation, event: { ...mutation.event, id: crypto.randomUUID() } } : mutation,
  );
  return { ...batch, mutations };
}
