import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Mutation, Replica } from "../../../src/sync/index.ts";
import { storeReplica } from "../../../src/sync/store-replica.ts";
import { accepted, pullAll, withReplicas } from "../replicas.ts";
import { holds, isViolated } from "./check-property.ts";

const { driver } = withReplicas();

describe("isolation: nothing from outside a store and a scope is read or written, and no client speaks for another principal", () => {
  it("for stores and scopes whose names begin alike", () => holds(nothingLeaks(({ own }) => own)));

  it("is violated by a replica that lets a row of another store through", () =>
    isViolated(nothingLeaks(leaking), /of another store/));

  it("is violated by a replica that reads without the scope", () =>
    isViolated(nothingLeaks(withoutScope), /out of scope/));

  it("is violated by a replica that writes without the scope", () =>
    isViolated(nothingLeaks(writingAnywhere), /is not to be written/));

  it("is violated by a replica that takes every principal for the first", () =>
    isViolated(
      nothingLeaks(({ first }) => first),
      /of another principal/,
    ));
});

const labels = ["s", "s/", "t"] as const;
const scopes = ["", "a", "a/"] as const;
const anyKey = fc.constantFrom("a", "a/", "a/1", "b", "ab", "A/1");

const anyTurn = fc.record({
  store: fc.constantFrom(0, 1, 2),
  scope: fc.constantFrom(...scopes),
  keys: fc.array(fc.tuple(fc.constantFrom("put", "kv.set", "append"), anyKey), { minLength: 1, maxLength: 4 }),
});

interface Sides {
  /** What a principal has of a store. */
  readonly own: Replica;
  /** The same store for the principal who came first. */
  readonly first: Replica;
  readonly other: Replica;
}

function nothingLeaks(choose: (sides: Sides) => Replica) {
  const property = async (turns: readonly Turn[], size: number) => {
    const run = crypto.randomUUID();
    const replicaOf = (store: number, principal: string) =>
      storeReplica({ driver: driver(), store: `${labels[store % labels.length]}${run}`, principal });
    const sidesOf = (store: number, principal: string): Replica =>
      choose({
        own: replicaOf(store, principal),
        first: replicaOf(store, "alice"),
        other: replicaOf(store + 1, "alice"),
      });

    for (const [index, { store, scope, keys }] of turns.entries()) {
      const client = `${run}/${index}`;
      const mutations = keys.map(([op, key], n) => toMutation(op, { id: n + 1, key, value: { store, n } }));
      const { results } = await accepted(sidesOf(store, "alice").push({ client, scope, mutations }));
      for (const [n, [, key]] of keys.entries()) {
        if (!key.startsWith(scope)) expect(results[n], `${key} is not to be written`).toMatchObject({ why: "scope" });
      }
      const asAnother = await sidesOf(store, "mallory").push({ client, scope, mutations });
      expect(asAnother, "a client of another principal").toEqual({ refused: "forbidden" });
    }
    for (const store of labels.keys()) {
      for (const scope of scopes) {
        const { changes, cursor } = await pullAll(sidesOf(store, "alice"), size, { scope });
        for (const change of changes) {
          const name = change.kind === "event" ? change.stream : change.key;
          expect(name.startsWith(scope), `${name} is out of scope`).toBe(true);
          const value = change.kind === "event" ? change.payload : change.value;
          expect(value, "a row of another store").toMatchObject({ store });
        }
        await expect(replicaOf(store + 1, "alice").pull(cursor, 1, { scope })).rejects.toMatchObject({
          code: "validation",
        });
      }
    }
  };
  return fc.asyncProperty(
    fc.array(anyTurn, { minLength: 2, maxLength: 6, size: "max" }),
    fc.integer({ min: 1, max: 5 }),
    property,
  );
}

type Turn = typeof anyTurn extends fc.Arbitrary<infer T> ? T : never;

function toMutation(op: string, { id, key, value }: { id: number; key: string; value: unknown }): Mutation {
  if (op === "append") return { id, op, stream: key, event: { id: crypto.randomUUID(), payload: value } };
  return op === "put" ? { id, op, key, value, hlc: stampNow(id) } : { id, op: "kv.set", key, value };
}

function stampNow(count: number): string {
  return `${String(Date.now()).padStart(15, "0")}-${String(count).padStart(6, "0")}-n`;
}

function leaking({ own, other }: Sides): Replica {
  return {
    ...own,
    async pull(cursor, limit, options) {
      const answer = await own.pull(cursor, limit, options);
      const [foreign] = (await pullAll(other, 1000, options)).changes;
      return "resync" in answer || foreign === undefined ? answer : { ...answer, changes: [foreign] };
    },
  };
}

function withoutScope({ own }: Sides): Replica {
  return { ...own, pull: (cursor, limit) => own.pull(cursor, limit) };
}

function writingAnywhere({ own }: Sides): Replica {
  return { ...own, push: ({ scope: _, ...batch }, options) => own.push(batch, options) };
}
