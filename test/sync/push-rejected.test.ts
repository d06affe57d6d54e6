import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { type Mutation, type PushBatch, storeReplica } from "../../src/sync/index.ts";
import { accepted, batch, pullAll, put, stamp, withReplicas } from "./replicas.ts";

const { replica: newReplica } = withReplicas();

const key = "a";
const base = 0;
const event = { id: "e", payload: 1 };
/** An object in an object and so on. */
const nested = (levels: number): unknown => (levels === 0 ? 1 : { in: nested(levels - 1) });
const set = { op: "kv.set", key, value: 1 };

describe("a mutation that can never be applied", () => {
  it.each<[what: string, mutation: object, why?: string]>([
    ["an unknown operation", { op: "drop", key }],
    ["the word for this", { op: "reject", why: "id-taken" }],
    ["no operation", { key }],
    ["no key", { op: "put", value: 1, base }],
    ["an empty key", { op: "put", key: "", value: 1, base }],
    ["a long key", { op: "put", key: "k".repeat(1025), value: 1, base }],
    ["a key that is a number", { op: "put", key: 1, value: 1, base }],
    ["no value", { op: "put", key, base }],
    ["NUL in a value", { op: "put", key, value: { b: "\0" }, base }],
    ["half a character", { op: "put", key, value: "\ud800", base }],
    ["a large value", { op: "put", key, value: "x".repeat(256 * 1024), base }, "too-large"],
    ["a large value, assumed", { op: "put", key, value: 1, assumed: { value: "x".repeat(256 * 1024) } }, "too-large"],
    ["no condition", { op: "put", key, value: 1 }],
    ["no condition for a delete", { op: "delete", key }],
    ["two ways to decide", { op: "delete", key, base, assumed: null }],
    ["a negative base", { op: "put", key, value: 1, base: -1 }],
    ["a base that is text", { op: "put", key, value: 1, base: "1" }],
    ["a patch that nests too deeply", { op: "merge", key, value: nested(65) }],
    ["a patch that nests far too deeply", { op: "merge", key, value: nested(900) }],
    ["half a version", { op: "merge", key, value: 1, base: 0.5 }],
    ["an assumption that is no object", { op: "put", key, value: 1, assumed: 3 }],
    ["an assumption without a value", { op: "put", key, value: 1, assumed: {} }],
    ["a stamp that is none", { op: "put", key, value: 1, hlc: "now" }],
    ["a stamp with NUL", { op: "put", key, value: 1, hlc: stamp(0, "\0") }],
    ["a stamp with a letter", { ...set, hlc: stamp(0).replace("0", "o") }],
    ["an append without a stream", { op: "append", event }],
    ["an append without an event", { op: "append", stream: "s" }],
    ["an event without an id", { op: "append", stream: "s", event: { payload: 1 } }],
    ["an event without a payload", { op: "append", stream: "s", event: { id: "e" } }],
    ["a large payload", { op: "append", stream: "s", event: { id: "e", payload: "x".repeat(3e5) } }, "too-large"],
    ["an unknown encoding", { ...set, encoding: "hex" }],
    ["base64 that is none", { ...set, value: "a", encoding: "base64" }],
    ["base64 of a number", { ...set, encoding: "base64" }],
    ["an end that is no time", { ...set, expiresAt: "tomorrow" }],
    ["an end on a day that there is not", { ...set, expiresAt: "2026-02-30T00:00:00Z" }],
    ["an end in the year 0", { ...set, expiresAt: "0000-01-01T00:00:00Z" }],
    ["an end in local time", { ...set, expiresAt: "2026-02-03T00:00:00" }],
  ])("is rejected alone and takes up its id: %s", async (_, mutation, why = "invalid") => {
    const replica = newReplica();
    const mutations = [put(1, "first", 1), { ...mutation, id: 2 } as Mutation, put(3, "last", 1)];
    const answer = await accepted(replica.push({ client: "c1", mutations }));
    expect(answer).toMatchObject({
      results: [{ status: "applied" }, { id: 2, status: "rejected", why }, { status: "applied" }],
      lastMutation: 3,
    });
    expect((await pullAll(replica, 10)).changes).toHaveLength(2);
  });

  it("is one outside of the scope that is pushed under", async () => {
    const { results } = await accepted(
      newReplica().push({
        client: "c1",
        scope: "a/",
        mutations: [
          put(1, "a/1", 1),
          put(2, "b/1", 1),
          { id: 3, op: "kv.delete", key: "a" },
          { id: 4, op: "append", stream: "b", event },
          { id: 5, op: "append", stream: "a/s", event },
        ],
      }),
    );
    const rejected = { status: "rejected", why: "scope" };
    expect(results).toMatchObject([{ version: 1 }, rejected, rejected, rejected, { version: 1 }]);
  });
});

describe("a batch that is none", () => {
  it.each<[what: string, given: unknown]>([
    ["null", null],
    ["no array", { client: "c1", mutations: {} }],
    ["no mutations", { client: "c1", mutations: [] }],
    ["no client", { mutations: [put(1, "a", 1)] }],
    ["a mutation that is null", { client: "c1", mutations: [null] }],
    ["a hole in the ids", batch(put(1, "a", 1), put(3, "b", 1))],
    ["an id twice", batch(put(1, "a", 1), put(1, "b", 1))],
    ["an id of 0", batch(put(0, "a", 1))],
    ["an id that is text", batch(put("1" as unknown as number, "a", 1))],
    ["an id beyond what a number holds", batch(put(2 ** 53, "a", 1))],
    ["501 mutations", batch(...Array.from({ length: 501 }, (_, n) => put(n + 1, "a", 1)))],
    ["more than 1 MiB", batch(...Array.from({ length: 6 }, (_, n) => put(n + 1, "a", "x".repeat(2e5))))],
    ["a damaged cursor", { ...batch(put(1, "a", 1)), cursor: "?" }],
    ["an ack that is none", { ...batch(put(1, "a", 1)), ack: -1 }],
    ["a scope with NUL", { ...batch(put(1, "a", 1)), scope: "\0" }],
  ])("is refused before anything is sent: %s", async (_, given) => {
    const unreachable = { name: "unreachable", query: fail, batch: fail, close: fail };
    const replica = storeReplica({ driver: unreachable, store: "s", principal: "p" });
    await expect(replica.push(given as PushBatch)).rejects.toBeInstanceOf(ValidationError);
  });
});

function fail(): Promise<never> {
  return Promise.reject(new Error("something was sent"));
}
