import { describe, expect, it } from "vitest";
import type { Mutation } from "../../src/sync/index.ts";
import { accepted, batch, page, pushOne, withReplicas } from "./replicas.ts";

const { replica: newReplica, both } = withReplicas();

const append = (id: number, stream: string, event: string, payload: unknown = event): Mutation => ({
  id,
  op: "append",
  stream,
  event: { id: event, payload },
});

describe("events that are pushed", () => {
  it("stand in their streams in the order of the batch", async () => {
    const { replica, store } = await both();
    const { results } = await accepted(
      replica.push(batch(append(1, "s", "z"), append(2, "r", "m"), append(3, "s", "a"), append(4, "s", "k"))),
    );
    expect(results.map(({ status, version }) => [status, version])).toEqual([
      ["applied", 1],
      ["applied", 1],
      ["applied", 2],
      ["applied", 3],
    ]);
    expect((await store.events.list({ stream: "s" })).map(({ id }) => id)).toEqual(["z", "a", "k"]);
    const { changes } = await page(replica.pull(null, 10));
    for (const { id, seq, version } of results) {
      expect(changes).toContainEqual(expect.objectContaining({ seq, version, id: ["", "z", "m", "a", "k"][id] }));
    }
  });

  it("carry type and metadata, and leave out what they do not have", async () => {
    const replica = newReplica();
    const event = { id: "full", payload: { x: null }, type: "made", metadata: { by: "me" } };
    await pushOne(replica, { op: "append", stream: "s", event });
    await pushOne(replica, { op: "append", stream: "s", event: { id: "bare", payload: null } });
    const timestamp = expect.stringMatching(/\.\d{6}Z$/);
    expect((await page(replica.pull(null, 10))).changes).toEqual([
      { kind: "event", stream: "s", version: 1, timestamp, seq: "0:1", ...event },
      { kind: "event", stream: "s", version: 2, timestamp, seq: "0:2", id: "bare", payload: null },
    ]);
  });

  it("stay away where they were pruned, when they come back with the place that they had", async () => {
    const { replica, store } = await both();
    await accepted(replica.push(batch(append(1, "s", "one"), append(2, "s", "two"), append(3, "s", "three"))));
    await store.events.prune({ keep: 1 });
    const again = (id: number, event: string, version: number) => ({ ...append(id, "s", event), version });
    const { results } = await accepted(
      replica.push({
        client: "another",
        mutations: [again(1, "one", 1), again(2, "three", 3), again(3, "four", 4), again(4, "lost", 3)],
      }),
    );
    expect(results).toMatchObject([
      { status: "applied", version: 1 },
      { status: "applied", version: 3 },
      { status: "applied", version: 4 },
      { status: "applied", version: 5 },
    ]);
    expect((await store.events.list({ stream: "s" })).map(({ id }) => id)).toEqual(["three", "four", "lost"]);
  });

  it("are the same event when they have the same id and content, and move nothing then", async () => {
    const replica = newReplica();
    const first = await pushOne(replica, append(1, "s", "one"));
    const { head } = await replica.head();
    expect(await pushOne(replica, append(1, "s", "one"))).toEqual(first);
    expect((await replica.head()).head).toBe(head);
    const { results } = await accepted(
      replica.push(batch(append(1, "s", "two"), append(2, "s", "two"), append(3, "s", "three"))),
    );
    expect(results.map(({ status, version }) => [status, version])).toEqual([
      ["applied", 2],
      ["applied", 2],
      ["applied", 3],
    ]);
  });

  it("are rejected alone when another event has the id", async () => {
    const replica = newReplica();
    await pushOne(replica, append(1, "s", "taken", "mine"));
    const { results } = await accepted(
      replica.push(
        batch(
          append(1, "s", "new"),
          append(2, "s", "taken", "other"),
          append(3, "t", "taken", "mine"),
          append(4, "s", "new", "other"),
          append(5, "s", "last"),
        ),
      ),
    );
    const rejected = { status: "rejected", why: "id-taken" };
    expect(results).toMatchObject([
      { id: 1, status: "applied", version: 2 },
      { id: 2, ...rejected },
      { id: 3, ...rejected },
      { id: 4, ...rejected },
      { id: 5, status: "applied", version: 3 },
    ]);
  });
});
