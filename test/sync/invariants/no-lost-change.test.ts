import fc from "fast-check";
import { describe, it } from "vitest";
import { withReplicas } from "../replicas.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyTurns, type Feed, newFeed } from "./feed.ts";
import { covers } from "./places.ts";
import { newReader, type Reader } from "./reader.ts";
import { droppingOne, honest, type Wrap } from "./wrong-replicas.ts";

const replicas = withReplicas();

describe("no lost change: what was committed up to a cursor was delivered or superseded", () => {
  it("whatever is written between pages, and in whichever lane", () => holds(nothingIsLost(honest)));

  it("is violated by a replica that drops a change of a page", () => isViolated(nothingIsLost(droppingOne), /lost/));
});

function nothingIsLost(wrap: Wrap) {
  return fc.asyncProperty(anyTurns, async (turns) => {
    const feed = await newFeed(replicas);
    const reader = newReader(wrap(feed.replica));
    for (const turn of [...turns, 3, 1000]) {
      if (typeof turn === "number") {
        await reader.pull(turn);
        checkDelivered(feed, reader);
      } else {
        for (const step of turn) await feed.write(step);
      }
    }
  });
}

function checkDelivered({ written }: Feed, { cursor, mirror }: Reader): void {
  const newest = new Map(written.map(({ place, version }) => [place, version]));
  for (const { place, seq, version } of written) {
    const isSuperseded = newest.get(place) !== version;
    const isDelivered = (mirror.get(place)?.version ?? 0) >= version;
    if (covers(cursor(), seq) && !isSuperseded && !isDelivered) throw new Error(`lost: ${place} at version ${version}`);
  }
}
