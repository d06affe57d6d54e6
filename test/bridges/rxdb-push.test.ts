import { describe, expect, it, vi } from "vitest";
import { rxdbReplication } from "../../src/bridges/rxdb.ts";
import type { PushBatch, Replica } from "../../src/sync/replica.ts";
import { heroesOf, newDevice, syncOnce, withServers } from "./rxdb-devices.ts";

const newServer = withServers();

describe("a push over a line that loses", () => {
  /** A replica that loses the first pushes: before they arrive, or their answers. */
  function losing(replica: Replica, losses: ("request" | "answer")[]): Replica & { readonly pushes: PushBatch[] } {
    const pushes: PushBatch[] = [];
    return {
      ...replica,
      pushes,
      async push(batch) {
        const loss = losses.shift();
        if (loss !== "request") {
          pushes.push(batch);
          const answer = await replica.push(batch);
          if (loss === undefined) return answer;
        }
        throw new Error(`lost: ${loss}`);
      },
    };
  }

  it.each([[["request"]], [["answer"]], [["request", "request", "answer", "answer", "request"]]] as const)(
    "applies each write once: %j",
    async (losses) => {
      const { replica, store } = await newServer();
      const collection = await newDevice();
      await collection.bulkInsert([
        { id: "a", name: "1" },
        { id: "b", name: "2" },
      ]);
      const line = losing(replica, [...losses]);
      expect(await syncOnce(collection, { remote: line })).toHaveLength(losses.length);
      await (await collection.findOne("a").exec(true)).incrementalPatch({ name: "3" });
      expect(await syncOnce(collection, { remote: line })).toEqual([]);
      expect((await store.records.list()).map(({ value, version }) => [value, version])).toEqual([
        [{ id: "a", name: "3" }, 2],
        [{ id: "b", name: "2" }, 1],
      ]);
    },
  );

  it("takes up an id that the device keeps, and another one when that belongs to somebody else", async () => {
    const { replica, replicaFor, store } = await newServer();
    const collection = await newDevice();
    const line = losing(replica, []);
    for (const name of ["1", "2", "3"]) {
      await collection.upsert({ id: "a", name });
      expect(await syncOnce(collection, { remote: line, client: "laptop" })).toEqual([]);
    }
    expect(line.pushes.map(({ client, mutations }) => [client, mutations[0]?.id])).toEqual([
      ["laptop", 1],
      ["laptop", 2],
      ["laptop", 3],
    ]);
    expect((await store.records.get("a")).version).toBe(3);

    const other = losing(replicaFor("mallory"), []);
    await collection.upsert({ id: "a", name: "4" });
    expect(await syncOnce(collection, { remote: other, client: "laptop" })).toEqual([]);
    expect(other.pushes.map(({ client }) => client === "laptop")).toEqual([true, false]);
    expect((await store.records.get("a")).version).toBe(4);
  });

  it("fails when the server refuses every id", async () => {
    const { replica } = await newServer();
    const collection = await newDevice();
    const push = vi.fn(async () => ({ refused: "forbidden" }) as const);
    const { handler } = rxdbReplication({ collection, remote: { ...replica, push } }).push;
    const row = { newDocumentState: { id: "a", name: "a", _deleted: false } };
    await expect(handler([row])).rejects.toMatchObject({ code: "forbidden", outcome: "rejected" });
    expect(push).toHaveBeenCalledTimes(3);
  });
});

describe("documents that are large", () => {
  const text = "x".repeat(200 * 1024);

  it("are pushed in as many batches as they take, and conflicts among them come back whole", async () => {
    const { replica, store } = await newServer();
    const [a, b] = [await newDevice(), await newDevice()];
    await a.bulkInsert(Array.from({ length: 12 }, (_, i) => ({ id: `${10 + i}`, name: "first" })));
    expect(await syncOnce(a, { remote: replica })).toEqual([]);
    expect(await syncOnce(b, { remote: replica })).toEqual([]);
    for (const hero of await a.find().exec()) await hero.incrementalPatch({ name: "a", text });
    for (const hero of await b.find().exec()) await hero.incrementalPatch({ name: "b" });
    expect(await syncOnce(a, { remote: replica })).toEqual([]);
    expect(await syncOnce(b, { remote: replica })).toEqual([]);
    expect(await heroesOf(b)).toEqual(await heroesOf(a));
    expect(new Set((await heroesOf(b)).map(({ name }) => name))).toEqual(new Set(["a"]));
    expect((await store.records.get("10")).version).toBe(2);
  });

  it("stay on the device when the server can never take them, and fail the push when nobody wants to know", async () => {
    const { replica, store } = await newServer();
    const collection = await newDevice();
    await collection.bulkInsert([
      { id: "a", name: "a", text: text + text },
      { id: "b", name: "b" },
    ]);
    const rejected = vi.fn();
    expect(await syncOnce(collection, { remote: replica, onRejected: rejected })).toEqual([]);
    expect(rejected.mock.calls).toEqual([[expect.objectContaining({ id: "a", name: "a" }), "too-large"]]);
    expect((await store.records.list()).map(({ key }) => key)).toEqual(["b"]);
    expect(await heroesOf(collection)).toHaveLength(2);

    const { handler } = rxdbReplication({ collection, remote: replica }).push;
    const row = { newDocumentState: { id: "a", name: "a", text: text + text, _deleted: false } };
    await expect(handler([row])).rejects.toMatchObject({ code: "validation", outcome: "rejected" });
  });
});
