import { expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import type { Mutation, PushBatch } from "../../src/sync/replica.ts";
import { batch, paged, pullAll, put, type Replicas, remove, taken } from "./replica.ts";

/** Each mutation exactly once, and what becomes of it. */
export function describePush({ fresh, of }: Replicas): void {
  it("takes every kind of mutation, in order", async () => {
    const replica = fresh();
    const event = { id: "e1", payload: { seen: true }, type: "seen", metadata: { by: "me" } };
    const { results, lastMutation, head } = await taken(
      replica.push(
        batch(
          put(1, "b", { n: 1 }),
          put(2, "a", null),
          { id: 3, op: "merge", key: "b", value: { n: null, m: 2 } },
          remove(4, "a", 1),
          { id: 5, op: "append", stream: "audit", event },
          { id: 6, op: "kv.set", key: "theme", value: "dark" },
          {
            id: 7,
            op: "kv.set",
            key: "bytes",
            value: "AAH/",
            encoding: "base64",
            expiresAt: "2999-01-01T00:00:00.000Z",
          },
          { id: 8, op: "kv.delete", key: "theme" },
          { id: 9, op: "merge", key: "new", value: { made: true } },
        ),
      ),
    );
    expect(results.map(({ id, status, version }) => [id, status, version])).toEqual([
      [1, "applied", 1],
      [2, "applied", 1],
      [3, "applied", 2],
      [4, "applied", 2],
      [5, "applied", 1],
      [6, "applied", 1],
      [7, "applied", 1],
      [8, "applied", 2],
      [9, "applied", 1],
    ]);
    expect(results.every(({ seq }) => /^\d+:\d+$/.test(seq ?? ""))).toBe(true);
    expect(lastMutation).toBe(9);
    expect(head).not.toBe("");

    const { changes } = await pullAll(replica, 100);
    expect(changes).toHaveLength(6);
    expect(changes).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: "record", key: "b", value: { m: 2 }, version: 2 }),
        expect.objectContaining({ kind: "record", key: "a", deleted: true, version: 2 }),
        expect.objectContaining({ kind: "record", key: "new", value: { made: true } }),
        expect.objectContaining({ ...event, kind: "event", stream: "audit", version: 1 }),
        expect.objectContaining({ kind: "kv", key: "theme", deleted: true, version: 2 }),
        expect.objectContaining({
          kind: "kv",
          key: "bytes",
          value: "AAH/",
          encoding: "base64",
          expiresAt: expect.stringMatching(/^2999-01-01T00:00:00/),
        }),
      ]),
    );
  });

  it("keeps values as they are", async () => {
    const values = [
      null,
      false,
      0,
      "",
      [],
      {},
      1.5e-7,
      9007199254740991,
      "ü 🦆 \u2028",
      { "": [[]], __proto: 1, "a.b": {} },
    ];
    const replica = fresh();
    await replica.push(batch(...values.map((value, index) => put(index + 1, `k${index}`, value))));
    const { changes } = await pullAll(replica, 100);
    expect(changes.map((change) => ("value" in change ? change.value : undefined))).toEqual(values);
  });

  it("changes nothing when it is repeated, and says what became of each mutation", async () => {
    const replica = fresh();
    const same = batch(put(1, "a", "first"), put(2, "a", "second", 1), put(3, "a", "late", 1));
    const first = await taken(replica.push(same));
    const before = await pullAll(replica, 10);
    const second = await taken(replica.push(same));
    expect(second).toEqual(await taken(replica.push(same)));
    expect(second.results).toEqual([
      { id: 1, status: "duplicate", seq: first.results[1]?.seq },
      { ...first.results[1], status: "duplicate" },
      first.results[2],
    ]);
    expect(second.lastMutation).toBe(3);
    expect(second.head).toBe(first.head);
    expect(await pullAll(replica, 10)).toEqual(before);
  });

  it("is done once when it is sent several times at once", async () => {
    const replica = fresh();
    const same = batch(put(1, "a", 1), { id: 2, op: "append", stream: "s", event: { id: "e", payload: 1 } });
    const answers = await Promise.all([1, 2, 3].map(() => taken(replica.push(same))));
    const statuses = answers.map(({ results }) => results.map(({ status }) => status).join());
    expect(statuses.sort()).toEqual(["applied,applied", "duplicate,duplicate", "duplicate,duplicate"]);
    expect((await pullAll(replica, 10)).changes).toMatchObject([{ version: 1 }, { version: 1 }]);
  });

  it("takes what is new of a batch that overlaps the one before", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", 1), put(2, "b", 2)));
    const { results, lastMutation } = await taken(replica.push(batch(put(2, "b", 2), put(3, "c", 3))));
    expect(results.map(({ status }) => status)).toEqual(["duplicate", "applied"]);
    expect(lastMutation).toBe(3);
  });

  it("refuses a gap with the last mutation it has, and applies nothing", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", 1)));
    expect(await replica.push(batch(put(3, "b", 1)))).toEqual({ refused: "gap", lastMutation: 1 });
    expect((await pullAll(replica, 10)).changes).toHaveLength(1);
  });

  it("refuses a client that it never saw and that does not begin at 1", async () => {
    expect(await fresh().push(batch(put(2, "a", 1)))).toEqual({ refused: "unknown-client" });
  });

  it("refuses a copy of a client, which numbers other mutations alike", async () => {
    const replica = fresh();
    await replica.push(batch(put(1, "a", 1), put(2, "b", 1)));
    expect(await replica.push(batch(put(2, "b", "other")))).toEqual({ refused: "unknown-client" });
    await replica.push({ ...batch(put(3, "c", 1)), ack: 2 });
    expect(await replica.push({ ...batch(put(4, "d", 1)), ack: 1 })).toEqual({ refused: "unknown-client" });
  });

  it("refuses another principal under the same client id", async () => {
    await of("owned").push(batch(put(1, "a", 1)));
    expect(await of("owned", "mallory").push(batch(put(2, "a", 2, 1)))).toEqual({ refused: "forbidden" });
    expect(await of("owned", "mallory").push(batch(put(1, "a", 1)))).toEqual({ refused: "forbidden" });
  });

  it("rejects what can never be applied, alone, and takes up its id", async () => {
    const replica = fresh();
    const { results, lastMutation } = await taken(
      replica.push(
        batch(
          put(1, "", 1),
          { id: 2, op: "drop", key: "a" } as unknown as Mutation,
          put(3, "a", { b: "\0" }),
          put(4, "a", Number.NaN),
          { id: 5, op: "put", key: "a", value: 1 } as unknown as Mutation,
          put(6, "a", "x".repeat(256 * 1024)),
          { id: 7, op: "append", stream: "s", event: { id: "e", payload: 1 } },
          { id: 8, op: "append", stream: "s", event: { id: "e", payload: 2 } },
          put(9, "good", 1),
        ),
      ),
    );
    expect(results.map(({ status, why }) => [status, why])).toEqual([
      ["rejected", "invalid"],
      ["rejected", "invalid"],
      ["rejected", "invalid"],
      ["rejected", "invalid"],
      ["rejected", "invalid"],
      ["rejected", "too-large"],
      ["applied", undefined],
      ["rejected", "id-taken"],
      ["applied", undefined],
    ]);
    expect(lastMutation).toBe(9);
  });

  it("rejects what lies outside its scope", async () => {
    const replica = fresh();
    const mutations: Mutation[] = [
      put(1, "mine/a", 1),
      put(2, "theirs/a", 1),
      { id: 3, op: "append", stream: "min", event: { id: "e", payload: 1 } },
      { id: 4, op: "kv.set", key: "mine/", value: 1 },
    ];
    const { results } = await taken(replica.push({ client: "c1", scope: "mine/", mutations }));
    expect(results.map(({ status, why }) => [status, why])).toEqual([
      ["applied", undefined],
      ["rejected", "scope"],
      ["rejected", "scope"],
      ["applied", undefined],
    ]);
  });

  it("shows what it took to a pull whose cursor has come so far", async () => {
    const replica = fresh();
    const { results } = await taken(replica.push(batch(put(1, "a", 1))));
    const { changes } = await paged(replica.pull(null, 10));
    expect(changes[0]?.seq).toBe(results[0]?.seq);
  });

  it.each([
    ["no array", { client: "c1", mutations: {} }],
    ["no mutations", { client: "c1", mutations: [] }],
    ["no client", { mutations: [put(1, "a", 1)] }],
    ["a hole in the ids", batch(put(1, "a", 1), put(3, "b", 1))],
    ["an id of 0", batch(put(0, "a", 1))],
    ["an id that is text", batch(put("1" as unknown as number, "a", 1))],
    ["an ack that is no id", { ...batch(put(1, "a", 1)), ack: -1 }],
    ["501 mutations", batch(...Array.from({ length: 501 }, (_, n) => put(n + 1, "a", 1)))],
    ["more than 1 MiB", batch(...Array.from({ length: 6 }, (_, n) => put(n + 1, "a", "x".repeat(2e5))))],
    ["a damaged cursor", { ...batch(put(1, "a", 1)), cursor: "?" }],
  ])("does not take %s", async (_, given) => {
    await expect(fresh().push(given as PushBatch)).rejects.toBeInstanceOf(ValidationError);
  });
}
