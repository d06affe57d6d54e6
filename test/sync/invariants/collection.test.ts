import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCursor } from "../../../src/sql/cursor.ts";
import type { Change, Cursor, PushResult, Replica } from "../../../src/sync/index.ts";
import { accepted, stateOf, withReplicas } from "../replicas.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyStepOf, type Feed, newFeed } from "./feed.ts";
import { newReader, type Reader } from "./reader.ts";
import { honest, type Wrap } from "./wrong-replicas.ts";

const replicas = withReplicas();
const { ask } = replicas;

describe("collection: whoever is past the floor goes on, whoever is below begins again, and nothing deleted comes back", () => {
  it("whenever tombstones are collected, and wherever readers are", () => holds(collectionIsSafe(honest)));

  it("is violated by a replica that goes on below the floor", () =>
    isViolated(collectionIsSafe(withoutFloor), /must begin again/));

  it("is violated by a replica that brings back what was known and is gone", () =>
    isViolated(collectionIsSafe(resurrecting), /came back/));
});

const keys = ["a", "b"];
const anyStep = anyStepOf(keys, ["put", "put", "delete", "delete", "set", "unset", "append"]);
const anyTurn = fc.oneof(
  { weight: 3, arbitrary: fc.array(anyStep, { minLength: 1, maxLength: 4 }) },
  { weight: 3, arbitrary: fc.record({ reader: fc.constantFrom(0, 1, 2), limit: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.constant("collect" as const) },
  // Somebody edits what he knew before it was deleted.
  { weight: 2, arbitrary: fc.record({ edit: fc.constantFrom(...keys) }) },
);

function collectionIsSafe(wrap: Wrap) {
  return fc.asyncProperty(fc.array(anyTurn, { minLength: 3, maxLength: 9, size: "max" }), async (turns) => {
    const feed = await newFeed(replicas);
    const replica = wrap(feed.replica);
    const readers = [0, 1, 2].map(() => newReader(replica));
    for (const turn of turns) {
      if (turn === "collect") await collect(feed);
      else if ("edit" in turn) await editStale(feed, replica, turn.edit);
      else if ("reader" in turn) {
        const isOn = await pullChecked(feed, readers[turn.reader], turn.limit);
        if (!isOn) readers[turn.reader] = newReader(replica);
      } else for (const step of turn) await feed.write(step);
    }

    const fresh = newReader(feed.replica);
    await fresh.pullRest(1000);
    for (const reader of readers) {
      const isAtEnd = await pullChecked(feed, reader, 1000);
      if (isAtEnd) expect(liveOf(reader.delivered), "snapshot and feed").toEqual(liveOf(fresh.delivered));
    }
  });
}

/** All of them, however young. */
async function collect({ store }: Feed): Promise<void> {
  for (let isMore = true; isMore; ) {
    const [row] = await ask("select more from persist.sync_collect($1, $2, $3)", store.name, "-1000", 2);
    isMore = row?.["more"] === true;
  }
}

/** A page for who may go on. Whether the reader went on. */
async function pullChecked(feed: Feed, reader: Reader | undefined, limit: number): Promise<boolean> {
  if (reader === undefined) return false;
  const isBelow = await isBelowFloor(feed, reader.cursor());
  const refusal = await reader.pull(limit).then(
    () => "none",
    (error: unknown) => String(error),
  );
  if (isBelow) expect(refusal, "must begin again").toMatch(/resync: floor/);
  else expect(refusal, "may go on").toBe("none");
  return !isBelow;
}

/** By the rows of the clock, and what the cursor says of the floor that its reader began below. */
async function isBelowFloor({ store }: Feed, cursor: Cursor | null): Promise<boolean> {
  if (cursor === null) return false;
  const position = decodeCursor(cursor, "sync", store.name);
  const known = new Map(
    position.lanes.map(([lane, seq, floor = "0"]) => [lane, { seq: BigInt(seq), floor: BigInt(floor) }]),
  );
  const lanes = await ask(
    "select lane::int4 as lane, floor::text as floor from persist.persist_sync_clock where store = $1",
    store.name,
  );
  return lanes.some((row) => {
    const floor = BigInt(String(row["floor"]));
    const at = known.get(Number(row["lane"])) ?? { seq: 0n, floor: 0n };
    return at.seq < floor && at.floor < floor;
  });
}

/** With a version from before the deletion. What is not there must not be there afterwards. */
async function editStale({ store }: Feed, replica: Replica, key: string): Promise<void> {
  if ((await store.records.find(key)) !== undefined) return;
  const mutations = [{ id: 1, op: "put", key, value: "stale", base: 1 } as const];
  const { results }: PushResult = await accepted(replica.push({ client: crypto.randomUUID(), mutations }));
  expect(await store.records.find(key), "came back").toBeUndefined();
  expect(["gone", "conflict"]).toContain(results[0]?.status);
}

function liveOf(changes: readonly Change[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(stateOf(changes)).filter(([, state]) => state !== "deleted"));
}

function withoutFloor(replica: Replica): Replica {
  return {
    ...replica,
    async pull(cursor, ...rest) {
      const answer = await replica.pull(cursor, ...rest);
      return "resync" in answer ? replica.pull(null, ...rest) : answer;
    },
  };
}

function resurrecting(replica: Replica): Replica {
  return {
    ...replica,
    async push(batch, ...rest) {
      const answer = await replica.push(batch, ...rest);
      if (!("results" in answer) || answer.results[0]?.status !== "gone") return answer;
      const mutations = batch.mutations.map((mutation) => ({ ...mutation, base: 0 }));
      return replica.push({ client: crypto.randomUUID(), mutations }, ...rest);
    },
  };
}
