import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cursorPlace } from "../../../src/sql/cursor.ts";
import type { Cursor } from "../../../src/sync/index.ts";
import { stateOf, withReplicas } from "../replicas.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyTurns, newFeed } from "./feed.ts";
import { newReader } from "./reader.ts";
import { droppingOne, honest, type Wrap, withPages } from "./wrong-replicas.ts";

const replicas = withReplicas();

describe("monotonic cursors: a cursor never goes back, and neither page sizes nor writes between change what one ends with", () => {
  it("for a reader of pages of any size", () => holds(cursorsOnlyAdvance(honest)));

  it("is violated by a replica that now and then answers an old cursor", () =>
    isViolated(cursorsOnlyAdvance(oldCursors), /went back/));

  it("is violated by a replica whose pages lose what is at their end", () =>
    isViolated(cursorsOnlyAdvance(droppingOne), /ends with something else/));
});

function cursorsOnlyAdvance(wrap: Wrap) {
  return fc.asyncProperty(anyTurns, fc.integer({ min: 1, max: 9 }), async (turns, size) => {
    const feed = await newFeed(replicas);
    const replica = wrap(feed.replica);
    const reader = newReader(replica);
    for (const turn of [...turns, 1, 1, 1]) {
      if (typeof turn === "number") {
        const before = reader.cursor();
        await reader.pull(turn);
        checkForward(before, reader.cursor());
      } else {
        for (const step of turn) await feed.write(step);
      }
    }
    await reader.pullRest(size);
    const fresh = newReader(feed.replica);
    await fresh.pullRest(1000);
    expect(stateOf(reader.delivered), "ends with something else").toEqual(stateOf(fresh.delivered));
  });
}

function checkForward(before: Cursor | null, after: Cursor | null): void {
  const reached = new Map(after === null ? [] : cursorPlace(after).lanes);
  for (const [lane, seq] of before === null ? [] : cursorPlace(before).lanes) {
    if (BigInt(reached.get(lane) ?? "0") < BigInt(seq)) throw new Error(`lane ${lane} went back from ${seq}`);
  }
}

function oldCursors(replica: ReturnType<Wrap>): ReturnType<Wrap> {
  const answered: Cursor[] = [];
  return withPages((page) => {
    answered.push(page.cursor);
    return answered.length % 3 === 0 ? { ...page, cursor: answered[0] ?? page.cursor } : page;
  })(replica);
}
