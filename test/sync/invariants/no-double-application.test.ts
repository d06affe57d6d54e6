import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Mutation, MutationResult, PushBatch } from "../../../src/sync/index.ts";
import { withReplicas } from "../replicas.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyDrafts } from "./drafts.ts";
import { type Place, placeOfMutation } from "./places.ts";
import { newPusher } from "./pusher.ts";
import { newReader } from "./reader.ts";
import { forgetful, honest, type Wrap } from "./wrong-replicas.ts";

const { replica: newReplica } = withReplicas();

describe("no double application: there are as many versions as mutations that were applied", () => {
  it("however often a batch is sent, at once or late", () => holds(versionsCountMutations(honest)));

  it("is violated by a replica that forgets its clients", () =>
    isViolated(versionsCountMutations(forgetful), /versions/));
});

const anyTurn = fc.record({
  client: fc.constantFrom(0, 1),
  drafts: anyDrafts,
  /** The answers before the last are lost. */
  times: fc.constantFrom(1, 1, 2, 3),
  /** Then one of its batches comes once more. */
  late: fc.option(fc.nat(20)),
});

function versionsCountMutations(wrap: Wrap) {
  return fc.asyncProperty(fc.array(anyTurn, { minLength: 1, maxLength: 6, size: "max" }), async (turns) => {
    const replica = newReplica();
    const clients = [newPusher(wrap(replica)), newPusher(wrap(replica))];
    const sent: PushBatch[][] = [[], []];
    const count = applicationCount();
    for (const { client, drafts, times, late } of turns) {
      const [pusher, batches] = [clients[client], sent[client]];
      if (pusher === undefined || batches === undefined) continue;
      const batch = pusher.batch(drafts, (key) => count.versions.get(`record/${key}`) ?? 0);
      batches.push(batch);
      for (let time = 1; time < times; time++) await pusher.send(batch);
      count.add(batch.mutations, (await pusher.send(batch)).results);
      const again = late === null ? undefined : batches[late % batches.length];
      if (again !== undefined) await pusher.send(again);
    }

    const reader = newReader(replica);
    await reader.pullRest(1000);
    const records = [...reader.mirror].filter(([, { kind }]) => kind !== "event");
    const events = [...reader.mirror.keys()].filter((place) => place.startsWith("event/"));
    expect(Object.fromEntries(records.map(([place, { version }]) => [place, version])), "versions").toEqual(
      Object.fromEntries([...count.versions].filter(([place]) => !place.startsWith("event/"))),
    );
    expect(events.sort(), "events").toEqual(
      [...count.versions.keys()].filter((place) => place.startsWith("event/")).sort(),
    );
  });
}

/** What is to be expected, from what a client is told once about each mutation. */
function applicationCount() {
  const versions = new Map<Place, number>();
  const absent = new Set<Place>();

  /** To delete what is not there is applied, and changes nothing. */
  function isNoop(mutation: Mutation, place: Place): boolean {
    return (mutation.op === "delete" || mutation.op === "kv.delete") && (absent.has(place) || !versions.has(place));
  }

  return {
    versions,
    add(mutations: readonly Mutation[], results: readonly MutationResult[]) {
      for (const [index, mutation] of mutations.entries()) {
        const status = results[index]?.status;
        const place = placeOfMutation(mutation);
        if ((status !== "applied" && status !== "duplicate") || isNoop(mutation, place)) continue;
        versions.set(place, (versions.get(place) ?? 0) + 1);
        if (mutation.op === "delete" || mutation.op === "kv.delete") absent.add(place);
        else absent.delete(place);
      }
    },
  };
}
