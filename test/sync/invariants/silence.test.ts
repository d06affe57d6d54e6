import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Change } from "../../../src/sync/index.ts";
import { faultyReplica } from "../faulty.ts";
import { contentOf, withSyncStores } from "../sync-stores.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyFaults, clocksOf, syncThrough } from "./device-sync.ts";
import { honest, type Wrap, withChanges } from "./wrong-replicas.ts";

const stores = withSyncStores();

describe("silence: two stores that sync both ways, each with the other, come to write nothing any more", () => {
  it.each(["last-write-wins", "merge", undefined] as const)("under the strategy %s", (strategy) =>
    holds(silenceComes(honest, strategy), 7),
  );

  it("is violated by a replica that makes something new of each value", () =>
    isViolated(silenceComes(embellishing, "merge"), /silent/));
});

const anyEdit = fc.tuple(fc.constantFrom("put", "put", "delete", "set", "unset", "append"), fc.constantFrom("a", "b"));
const anyTurn = fc.oneof(
  fc.record({ at: fc.constantFrom(0, 1), edits: fc.array(anyEdit, { minLength: 1, maxLength: 4 }) }),
  fc.record({ from: fc.constantFrom(0, 1), faults: anyFaults }),
);

const MAX_ROUNDS = 6;

function silenceComes(wrap: Wrap, strategy: "last-write-wins" | "merge" | undefined) {
  return fc.asyncProperty(fc.array(anyTurn, { minLength: 3, maxLength: 7, size: "max" }), async (turns) => {
    const pair = [await stores.store("left"), await stores.store("right")] as const;
    const [left, right] = pair;
    const links = [faultyReplica(wrap(stores.replica(right))), faultyReplica(wrap(stores.replica(left)))] as const;
    const sync = (from: 0 | 1, faults: Parameters<typeof syncThrough>[2]) =>
      syncThrough(pair[from], links[from], faults, { strategy });

    for (const turn of turns) {
      if ("from" in turn) {
        await sync(turn.from === 0 ? 0 : 1, turn.faults);
        continue;
      }
      const { records, kv, events } = pair[turn.at === 0 ? 0 : 1];
      for (const [what, key] of turn.edits) {
        const value = { [crypto.randomUUID().slice(0, 2)]: turn.at };
        if (what === "put") await records.put(key, value);
        if (what === "delete") await records.delete(key);
        if (what === "set") await kv.set(key, value);
        if (what === "unset") await kv.delete(key);
        if (what === "append") await events.append("s", value);
      }
    }
    // Something at least that both must hear of.
    await left.records.put("last", { word: 1 });

    const clocks: string[] = [];
    for (let round = 0; round < MAX_ROUNDS; round++) {
      await sync(0, []);
      await sync(1, []);
      clocks.push(await clocksOf(stores.driver(), pair));
    }
    expect(new Set(clocks.slice(-3)).size, "silent").toBe(1);
    const { events, ...states } = await contentOf(left);
    const other = await contentOf(right);
    expect(states, "and equal").toEqual({ records: other.records, kv: other.kv });
    // Each is the other's remote, so which order counts is nowhere said.
    expect(idsOf(events), "and equal").toEqual(idsOf(other.events));
  });
}

function idsOf(events: readonly { readonly id: string }[]): string[] {
  return events.map(({ id }) => id).toSorted();
}

/** A rule that is never content, so that each side finds something new in what it has sent itself. */
function embellishing(replica: Parameters<Wrap>[0]): ReturnType<Wrap> {
  const embellish = (change: Change): Change =>
    change.kind === "record" && !change.deleted ? { ...change, value: { of: change.version } } : change;
  return withChanges((changes) => changes.map(embellish))(replica);
}
