import { describe, expect, it } from "vitest";
import { storeReplica } from "../../src/sync/index.ts";
import { accepted, batch, pullAll, put, remove, withReplicas } from "./replicas.ts";

const { replica: newReplica, driver, ask } = withReplicas();

describe("a push", () => {
  it("applies mutations in order, also several of one key", async () => {
    const { results, lastMutation } = await accepted(
      newReplica().push(batch(put(1, "b", 1), put(2, "a", null), put(3, "b", 2, 1), remove(4, "a", 1))),
    );
    expect(results.map(({ id, status, version, seq }) => [id, status, version, seq])).toEqual([
      [1, "applied", 1, "0:1"],
      [2, "applied", 1, "0:2"],
      [3, "applied", 2, "0:3"],
      [4, "applied", 2, "0:4"],
    ]);
    expect(lastMutation).toBe(4);
  });

  it("sees what an earlier mutation of the same push left, of whatever kind", async () => {
    const { results } = await accepted(
      newReplica().push(
        batch(
          put(1, "a", 1),
          put(2, "a", 2),
          remove(3, "a", 1),
          remove(4, "a", 2),
          put(5, "a", 3, 2),
          { id: 6, op: "merge", key: "a", value: { x: 1 } },
          { id: 7, op: "kv.set", key: "a", value: 1 },
          { id: 8, op: "kv.set", key: "a", value: 1 },
          { id: 9, op: "kv.delete", key: "a" },
          { id: 10, op: "kv.delete", key: "a" },
        ),
      ),
    );
    expect(results.map(({ status, version }) => [status, version])).toEqual([
      ["applied", 1],
      ["conflict", 1],
      ["applied", 2],
      ["applied", 2],
      ["applied", 3],
      ["applied", 4],
      ["applied", 1],
      ["applied", 1],
      ["applied", 2],
      ["applied", 2],
    ]);
  });

  it("changes nothing when it is repeated, and says what became of each mutation", async () => {
    const replica = newReplica();
    const same = batch(
      put(1, "a", "first"),
      put(2, "a", "second", 1),
      put(3, "a", "late", 1),
      { id: 4, op: "append", stream: "s", event: { id: `once-${crypto.randomUUID()}`, payload: 1 } },
      { id: 5, op: "kv.set", key: "k", value: 1 },
      { id: 6, op: "put", key: "", value: 1, base: 0 },
      { id: 7, op: "put", key: "b", value: 1, hlc: "999999999999999-000000-n" },
      put(8, "never", 1, 3),
    );
    const first = await accepted(replica.push(same));
    const before = await pullAll(replica, 10);

    const second = await accepted(replica.push(same));
    expect(second).toEqual(await accepted(replica.push(same)));
    expect(second.results).toEqual([
      { id: 1, status: "duplicate", seq: first.results[1]?.seq },
      { ...first.results[1], status: "duplicate" },
      first.results[2],
      { ...first.results[3], status: "duplicate" },
      { id: 5, status: "duplicate", seq: first.results[4]?.seq },
      { id: 6, status: "rejected", why: "invalid" },
      { id: 7, status: "skew", serverTime: expect.any(String) },
      { id: 8, status: "gone" },
    ]);
    expect(second.results[6]).toEqual(first.results[6]);
    expect(second).toMatchObject({ lastMutation: 8, head: first.head });
    expect(await pullAll(replica, 10)).toEqual(before);
  });

  it("takes what is new of a batch that overlaps the one before", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1), put(2, "b", 2)));
    const { results, lastMutation } = await accepted(replica.push(batch(put(2, "b", 2), put(3, "c", 3))));
    expect(results.map(({ status }) => status)).toEqual(["duplicate", "applied"]);
    expect(lastMutation).toBe(3);
  });

  it("forgets outcomes that the client says it has, and none that it asks for in the same breath", async () => {
    const replica = newReplica({ store: "acknowledging" });
    const kept = async () =>
      (
        await ask("select mutation::text from persist.persist_sync_outcomes where store = 'acknowledging' order by 1")
      ).map(({ mutation }) => mutation);
    await replica.push(batch(put(1, "a", 1, 7), put(2, "a", 1, 7), put(3, "a", 1, 7)));
    expect(await kept()).toEqual(["1", "2", "3"]);
    const { results } = await accepted(replica.push({ ...batch(put(3, "a", 1, 7), put(4, "a", 1, 7)), ack: 3 }));
    expect(results.map(({ status }) => status)).toEqual(["gone", "gone"]);
    expect(await kept()).toEqual(["3", "4"]);
  });

  it("tells the last mutation of a client together with a page, to its principal alone", async () => {
    const store = "told";
    const replica = newReplica({ store });
    await replica.push(batch(put(1, "", 1), put(2, "a", 1)));
    expect(await replica.pull(null, 10, { client: "c1" })).toMatchObject({ lastMutation: 2 });
    expect(await replica.pull(null, 10, { client: "c2" })).not.toHaveProperty("lastMutation");
    const bob = newReplica({ store, principal: "bob" });
    expect(await bob.pull(null, 10, { client: "c1" })).not.toHaveProperty("lastMutation");
    expect(await replica.pull(null, 10)).not.toHaveProperty("lastMutation");
  });
});

describe("a push is refused as a whole", () => {
  it("after a gap, with the last mutation that is known", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1)));
    expect(await replica.push(batch(put(3, "b", 1)))).toEqual({ refused: "gap", lastMutation: 1 });
    expect((await pullAll(replica, 10)).changes).toHaveLength(1);
  });

  it("of a client that was never seen and does not begin at 1", async () => {
    expect(await newReplica().push(batch(put(2, "a", 1)))).toEqual({ refused: "unknown-client" });
  });

  it("of another principal under the same client id", async () => {
    const replica = newReplica({ store: "shared" });
    await replica.push(batch(put(1, "a", 1)));
    const mallory = storeReplica({ driver: driver(), store: "shared", principal: "mallory" });
    expect(await mallory.push(batch(put(2, "a", 2, 1)))).toEqual({ refused: "forbidden" });
    expect(await mallory.push(batch(put(1, "a", 2, 1)))).toEqual({ refused: "forbidden" });
    expect(await mallory.push(batch(put(9, "a", 2, 1)))).toEqual({ refused: "forbidden" });
  });

  it("of a copy of the client that gave other mutations the same ids", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
    expect(await replica.push(batch(put(1, "a", 1), put(2, "c", 1)))).toEqual({ refused: "unknown-client" });
    expect(await replica.push(batch(put(2, "b", 2), put(3, "c", 1)))).toEqual({ refused: "unknown-client" });
    expect((await pullAll(replica, 10)).changes).toHaveLength(2);
    expect(await replica.push(batch(put(2, "b", 1), put(3, "c", 1)))).toMatchObject({ lastMutation: 3 });
  });

  it("of a copy of the client that has forgotten results which the other has", async () => {
    const replica = newReplica();
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
    await replica.push({ ...batch(put(3, "c", 1)), ack: 2 });
    expect(await replica.push({ ...batch(put(4, "d", 1)), ack: 1 })).toEqual({ refused: "unknown-client" });
    expect(await replica.push({ ...batch(put(4, "d", 1)), ack: 2 })).toMatchObject({ lastMutation: 4 });
  });

  it("of a copy whose mutation of the same id is unfit, and of one that is judged otherwise now", async () => {
    const replica = newReplica({ store: "judged", limits: { maxValueBytes: 10 } });
    await replica.push(batch(put(1, "a", 1), put(2, "b", "x".repeat(20))));
    expect(await replica.push(batch(put(1, "a", "y".repeat(20)), put(2, "b", "x".repeat(20))))).toEqual({
      refused: "unknown-client",
    });
    // The server cannot tell whether it is the same. A new client id costs little, and nothing is lost by it.
    const generous = newReplica({ store: "judged" });
    expect(await generous.push(batch(put(2, "b", "x".repeat(20))))).toEqual({ refused: "unknown-client" });
  });
});
