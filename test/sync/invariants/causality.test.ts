import fc from "fast-check";
import { describe, it } from "vitest";
import { withReplicas } from "../replicas.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyTurns, type Feed, newFeed } from "./feed.ts";
import { newReader, type Reader } from "./reader.ts";
import { honest, type Wrap, withPages } from "./wrong-replicas.ts";

const replicas = withReplicas();

describe("causality: at a page without more, who sees a write sees all that were committed before it", () => {
  it("whatever was written while pages were read", () => holds(causesAreSeen(honest)));

  it("is violated by a replica that ends too early", () =>
    isViolated(causesAreSeen(withPages((page) => ({ ...page, more: false }))), /cause/));
});

function causesAreSeen(wrap: Wrap) {
  return fc.asyncProperty(anyTurns, async (turns) => {
    const feed = await newFeed(replicas);
    const reader = newReader(wrap(feed.replica));
    for (const turn of [...turns, 2, 1000]) {
      if (typeof turn === "number") {
        if (!(await reader.pull(turn)).more) checkCauses(feed, reader);
      } else {
        for (const step of turn) await feed.write(step);
      }
    }
  });
}

function checkCauses({ written }: Feed, { mirror }: Reader): void {
  const last = written.findLastIndex(({ place, version }) => mirror.get(place)?.version === version);
  for (const { place, version } of written.slice(0, last)) {
    if ((mirror.get(place)?.version ?? 0) < version)
      throw new Error(`a cause is not seen: ${place} at version ${version}`);
  }
}
