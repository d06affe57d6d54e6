import fc from "fast-check";
import { describe, it } from "vitest";
import type { Seq } from "../../../src/sync/index.ts";
import { withReplicas } from "../replicas.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyDrafts } from "./drafts.ts";
import { covers, type Place, placeOfMutation } from "./places.ts";
import { newPusher } from "./pusher.ts";
import { newReader, type Reader } from "./reader.ts";
import { honest, type Wrap, withChanges } from "./wrong-replicas.ts";

const { replica: newReplica } = withReplicas();

describe("read your writes: once a cursor has passed what a push was told, the write or its successor is there", () => {
  it("for two clients that write the same keys", () => holds(writesAreVisible(honest)));

  it("is violated by a replica that spares clients what they wrote", () =>
    isViolated(
      writesAreVisible(withChanges((changes) => changes.filter((change) => !("by" in change)))),
      /not visible/,
    ));
});

const anyTurn = fc.oneof(
  fc.record({ client: fc.constantFrom(0, 1), drafts: anyDrafts }),
  fc.record({ client: fc.constantFrom(0, 1), limit: fc.integer({ min: 1, max: 4 }) }),
);

interface OwnWrite {
  readonly place: Place;
  readonly version: number;
  readonly seq: Seq;
}

function writesAreVisible(wrap: Wrap) {
  return fc.asyncProperty(fc.array(anyTurn, { minLength: 2, maxLength: 10, size: "max" }), async (turns) => {
    const replica = wrap(newReplica());
    const clients = [0, 1].map(() => {
      return { pusher: newPusher(replica), reader: newReader(replica), wrote: [] as OwnWrite[] };
    });
    const newest = new Map<Place, OwnWrite>();
    for (const turn of [...turns, { client: 0, limit: 1000 }, { client: 1, limit: 1000 }]) {
      const client = clients[turn.client];
      if (client === undefined) continue;
      const { pusher, reader, wrote } = client;
      if ("limit" in turn) {
        await reader.pull(turn.limit);
        checkVisible(client, newest);
        continue;
      }
      const batch = pusher.batch(turn.drafts, (key) => reader.mirror.get(`record/${key}`)?.version ?? 0);
      const { results } = await pusher.send(batch);
      for (const [index, mutation] of batch.mutations.entries()) {
        const { status, version, seq } = results[index] ?? {};
        if (status !== "applied" || version === undefined || seq === undefined) continue;
        const write = { place: placeOfMutation(mutation), version, seq };
        wrote.push(write);
        newest.set(write.place, write);
      }
    }
  });
}

function checkVisible({ wrote, reader }: { wrote: readonly OwnWrite[]; reader: Reader }, newest: Newest): void {
  for (const { place, version, seq } of wrote) {
    if (!covers(reader.cursor(), seq) || (reader.mirror.get(place)?.version ?? 0) >= version) continue;
    // A successor took the row with it, and comes with a later page.
    const successor = newest.get(place);
    const isAhead = successor !== undefined && successor.version > version && !covers(reader.cursor(), successor.seq);
    if (!isAhead) throw new Error(`not visible: ${place} at version ${version}`);
  }
}

type Newest = ReadonlyMap<Place, OwnWrite>;
