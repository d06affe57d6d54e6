import { expect, it } from "vitest";
import type { Mutation, Replica } from "../../src/sync/replica.ts";
import { batch, pullAll, put, type Replicas, remove, taken } from "./replica.ts";

/** What decides whether a write is applied: versions, stamps, values. */
export function describePushConditions({ fresh }: Replicas): void {
  it("by version: a conflict comes with what is there, and the rest goes on", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", { theirs: true })));
    const { results } = await taken(
      replica.push({ client: "c2", mutations: [put(1, "a", { mine: true }), put(2, "b", 1), remove(3, "none", 4)] }),
    );
    const current = { key: "a", value: { theirs: true }, version: 1, deleted: false, updatedAt: expect.any(String) };
    expect(results).toEqual([
      { id: 1, status: "conflict", version: 1, current: expect.objectContaining(current) },
      expect.objectContaining({ id: 2, status: "applied" }),
      { id: 3, status: "gone" },
    ]);
  });

  it("by version: a deleted record is shown as such, and can be put on top of", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", 1), remove(2, "a", 1)));
    const { results } = await taken(replica.push({ client: "c2", mutations: [put(1, "a", 2), put(2, "a", 2, 2)] }));
    expect(results[0]).toMatchObject({ status: "conflict", current: { deleted: true, value: null, version: 2 } });
    expect(results[1]).toMatchObject({ status: "applied", version: 3 });
  });

  it("by stamp: the later one wins, whoever comes first", async () => {
    const replica = fresh();
    const stamped = (id: number, value: string, hlc: string): Mutation => ({ id, op: "put", key: "a", value, hlc });
    const early = stampOf(Date.now() - 60_000, "b");
    const late = stampOf(Date.now() - 30_000, "a");
    await replica.push({ client: "late", mutations: [stamped(1, "late", late)] });
    const { results } = await taken(replica.push({ client: "early", mutations: [stamped(1, "early", early)] }));
    expect(results[0]).toMatchObject({ status: "conflict", current: { value: "late", hlc: late } });
    const tie = late.replace(/a$/, "b");
    await replica.push({ client: "tie", mutations: [stamped(1, "tie", tie)] });
    expect(await storedValue(replica, "a")).toBe("tie");
  });

  it("by stamp: kv as well", async () => {
    const replica = fresh();
    const late = stampOf(Date.now() - 1000, "a");
    const early = stampOf(Date.now() - 2000, "z");
    await replica.push({ client: "x", mutations: [{ id: 1, op: "kv.set", key: "k", value: "late", hlc: late }] });
    const { results } = await taken(
      replica.push({ client: "y", mutations: [{ id: 1, op: "kv.delete", key: "k", hlc: early }] }),
    );
    expect(results[0]).toMatchObject({ status: "conflict", current: { key: "k", value: "late" } });
    expect(await storedValue(replica, "k")).toBe("late");
  });

  it("by stamp: one that is far ahead of the server's clock is told the time", async () => {
    const hlc = stampOf(Date.now() + 3_600_000, "a");
    const { results } = await taken(fresh().push(batch({ id: 1, op: "put", key: "a", value: 1, hlc })));
    expect(results).toEqual([{ id: 1, status: "skew", serverTime: expect.stringMatching(/^\d{4}-.*Z$/) }]);
  });

  it("by value: what the client believes to be there", async () => {
    const replica = fresh();
    const assuming = (id: number, value: unknown, assumed: { value: unknown } | null): Mutation => {
      return { id, op: "put", key: "a", value, assumed };
    };
    const { results } = await taken(
      replica.push(
        batch(assuming(1, { n: 1 }, null), assuming(2, { n: 2 }, { value: { n: 1 } }), assuming(3, { n: 3 }, null)),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(["applied", "applied", "conflict"]);
    expect(results[2]).toMatchObject({ current: { value: { n: 2 } } });
  });

  it("not at all, where nothing would change", async () => {
    const replica = fresh();
    const { head } = await taken(replica.push(batch(put(1, "a", { n: 1 }))));
    const again = await taken(replica.push({ client: "c2", mutations: [put(1, "a", { n: 1 }), remove(2, "none", 0)] }));
    expect(again.results[0]).toMatchObject({ status: "applied", version: 1 });
    expect(again.results[1]).toMatchObject({ status: "applied" });
    expect(again.head).toBe(head);
  });
}

function stampOf(timeMs: number, node: string): string {
  return `${String(timeMs).padStart(15, "0")}-000000-${node}`;
}

async function storedValue(replica: Replica, key: string): Promise<unknown> {
  const { changes } = await pullAll(replica, 100);
  return changes.flatMap((change) => ("key" in change && change.key === key ? [change.value] : []))[0];
}
