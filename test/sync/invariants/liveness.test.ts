import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConnectionError } from "../../../src/errors.ts";
import { storeReplica } from "../../../src/sync/store-replica.ts";
import { faultyReplica } from "../faulty.ts";
import { withSyncStores } from "../sync-stores.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyFaults, queueOf, syncThrough } from "./device-sync.ts";
import { honest, type Wrap } from "./wrong-replicas.ts";

const stores = withSyncStores();

describe("liveness: after the faults a queue drains, and a mutation that can never be applied holds up only its key", () => {
  it("whatever was lost before, and wherever the poison is", () => holds(queuesDrain(honest)));

  it("is violated by a replica that is ill at ease with the poison", () =>
    isViolated(queuesDrain(refusingWholeBatches), /waits/));
});

const anyTurn = fc.oneof(
  fc.array(fc.tuple(fc.constantFrom("put", "put", "delete", "set", "poison"), fc.constantFrom("a", "b", "c")), {
    minLength: 1,
    maxLength: 4,
  }),
  fc.record({ faults: anyFaults }),
);

/** More than the server takes, and less than the device does. */
const MAX_VALUE_BYTES = 500;
const POISON = "x".repeat(2 * MAX_VALUE_BYTES);

function queuesDrain(wrap: Wrap) {
  return fc.asyncProperty(fc.array(anyTurn, { minLength: 2, maxLength: 7, size: "max" }), async (turns) => {
    const server = await stores.store("server");
    const device = await stores.store("device");
    const limits = { maxValueBytes: MAX_VALUE_BYTES };
    const target = { driver: stores.driver(), store: server.name, principal: "tester", limits };
    const link = faultyReplica(wrap(storeReplica(target)));
    const poisoned = new Set<string>();

    for (const turn of turns) {
      if ("faults" in turn) {
        await syncThrough(device, link, turn.faults);
        continue;
      }
      for (const [what, key] of turn) {
        if (what === "put") await device.records.put(key, { at: crypto.randomUUID() });
        if (what === "delete") await device.records.delete(key);
        if (what === "set") await device.kv.set(key, crypto.randomUUID());
        if (what !== "poison") continue;
        await device.records.put(`poison/${key}`, POISON);
        poisoned.add(`poison/${key}`);
      }
    }
    // One cycle is enough: there is nobody else.
    await syncThrough(device, link, []);

    const left = await queueOf(stores.driver(), device);
    expect(
      left.filter(({ status }) => status !== "failed"),
      "nothing waits",
    ).toEqual([]);
    // Each of two edits of one key may be put aside on its own.
    const aside = [...new Map(left.map((edit) => [edit.key, edit])).values()];
    expect(aside).toEqual([...poisoned].sort().map((key) => ({ key, status: "failed", reason: "too-large" })));
    for (const key of ["a", "b", "c"]) {
      expect((await server.records.find(key))?.value).toEqual((await device.records.find(key))?.value);
      expect(await server.kv.get(key)).toEqual(await device.kv.get(key));
    }
  });
}

const refusingWholeBatches: Wrap = (replica) => ({
  ...replica,
  async push(batch, options) {
    const isPoisoned = batch.mutations.some((mutation) => "key" in mutation && mutation.key.startsWith("poison/"));
    if (isPoisoned) throw new ConnectionError("the server fell over", { outcome: "rejected" });
    return replica.push(batch, options);
  },
});
