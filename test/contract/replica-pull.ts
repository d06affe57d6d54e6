import { expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import type { Change, Mutation, Replica } from "../../src/sync/replica.ts";
import { batch, paged, pullAll, put, type Replicas, remove } from "./replica.ts";

/** Pages of the feed. */
export function describePull({ fresh, of }: Replicas): void {
  it("gives an empty page of a store that does not exist, and goes on from there", async () => {
    const replica = fresh();
    const empty = await paged(replica.pull(null, 10));
    expect(empty).toMatchObject({ changes: [], more: false });
    await replica.push(batch(put(1, "a", 1)));
    expect((await paged(replica.pull(empty.cursor, 10))).changes).toMatchObject([{ key: "a", value: 1 }]);
  });

  it("tells each record once, as it is now, with who wrote it", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", 1), put(2, "b", { x: [null] }), put(3, "a", 2, 1), remove(4, "a", 2)));
    const { changes } = await paged(replica.pull(null, 10));
    expect(changes).toEqual([
      {
        kind: "record",
        key: "b",
        value: { x: [null] },
        version: 1,
        seq: expect.any(String),
        updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
        by: { client: "c1", mutation: 2 },
      },
      expect.objectContaining({ key: "a", deleted: true, version: 3 }),
    ]);
    expect(changes[1]).not.toHaveProperty("value");
  });

  it("tells a stored null from a deleted record", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", null)));
    const [change] = (await paged(replica.pull(null, 10))).changes;
    expect(change).toHaveProperty("value", null);
    expect(change).not.toHaveProperty("deleted");
  });

  it("comes to the same state with pages of any size", async () => {
    const replica = fresh();
    await writeMuch(replica);
    const whole = stateOf((await pullAll(replica, 1000)).changes);
    expect(Object.keys(whole)).toHaveLength(30);
    for (const limit of [1, 3, 7, 29]) {
      const { changes, pages } = await pullAll(replica, limit);
      expect(pages).toBe(Math.ceil(30 / limit));
      expect(stateOf(changes)).toEqual(whole);
    }
  });

  it("keeps the order of each stream", async () => {
    const replica = fresh();
    await writeMuch(replica);
    const { changes } = await pullAll(replica, 4);
    const events = changes.filter((change) => change.kind === "event");
    expect(events.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it("gives nothing twice, and what was written since", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
    const { cursor } = await pullAll(replica, 1);
    expect((await pullAll(replica, 10, cursor)).changes).toEqual([]);
    await replica.push(batch(put(3, "a", 2, 1)));
    expect((await pullAll(replica, 10, cursor)).changes).toMatchObject([{ key: "a", value: 2, version: 2 }]);
  });

  it("confines itself to a scope", async () => {
    const replica = fresh();
    await replica.push(
      batch(
        put(1, "ä/1", 1),
        put(2, "b/1", 1),
        { id: 3, op: "kv.set", key: "ä/k", value: 1 },
        { id: 4, op: "append", stream: "ä/s", event: { id: "e1", payload: 1 } },
        { id: 5, op: "append", stream: "b/s", event: { id: "e2", payload: 1 } },
      ),
    );
    const { changes, cursor } = await pullAll(replica, 2, null, "ä/");
    expect(Object.keys(stateOf(changes)).sort()).toEqual(["event e1", "kv ä/k", "record ä/1"]);
    expect((await pullAll(replica, 2, cursor, "ä/")).changes).toEqual([]);
  });

  it("tells what was taken of a client when it is asked", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", 1), put(2, "", 1)));
    expect(await paged(replica.pull(null, 10))).not.toHaveProperty("lastMutation");
    expect((await paged(replica.pull(null, 10, { client: "c1" }))).lastMutation).toBe(2);
    expect((await paged(replica.pull(null, 10, { client: "other" }))).lastMutation ?? 0).toBe(0);
  });

  it("keeps stores apart", async () => {
    await of("apart 1").push(batch(put(1, "a", 1)));
    const { cursor } = await pullAll(of("apart 1"), 10);
    expect((await pullAll(of("apart 2"), 10)).changes).toEqual([]);
    await expect(of("apart 2").pull(cursor, 10)).rejects.toBeInstanceOf(ValidationError);
  });

  it.each([
    ["a limit of 0", null, 0],
    ["a limit of 1.5", null, 1.5],
    ["no limit", null, Number.NaN],
    ["a limit of 1,001", null, 1001],
    ["a damaged cursor", "?", 1],
  ])("does not take %s", async (_, cursor, limit) => {
    await expect(fresh().pull(cursor, limit)).rejects.toBeInstanceOf(ValidationError);
  });
}

/** Ten records, ten entries and ten events, some written more than once or deleted. */
async function writeMuch(replica: Replica): Promise<void> {
  const numbers = Array.from({ length: 10 }, (_, index) => index);
  const mutations: Mutation[] = numbers.flatMap((n): Mutation[] => [
    { id: 0, op: "put", key: `k${n}`, value: n, base: 0 },
    { id: 0, op: "kv.set", key: `k${n}`, value: n },
    { id: 0, op: "append", stream: "s", event: { id: `e${n}`, payload: n } },
    ...(n % 3 === 0 ? [{ id: 0, op: "put", key: `k${n}`, value: "again", base: 1 } as const] : []),
    ...(n % 4 === 0 ? [{ id: 0, op: "kv.delete", key: `k${n}` } as const] : []),
  ]);
  await replica.push(batch(...mutations.map((mutation, index) => ({ ...mutation, id: index + 1 }))));
}

function stateOf(changes: readonly Change[]): Record<string, unknown> {
  return Object.fromEntries(
    changes.map((change) =>
      change.kind === "event"
        ? [`event ${change.id}`, change.payload]
        : [`${change.kind} ${change.key}`, change.deleted ? "deleted" : change.value],
    ),
  );
}
