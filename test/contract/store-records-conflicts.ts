import { expect, it } from "vitest";
import type { CurrentState, Replica } from "../../src/sync/replica.ts";
import { syncOnce } from "../../src/sync/sync-once.ts";
import type { OpenStore } from "./store.ts";

/** A remote that has another record under each key, at version 7, and takes what is made on that. */
function contrary(value: unknown): Replica & { readonly taken: unknown[] } {
  const taken: unknown[] = [];
  const updatedAt = "2026-01-01T00:00:00.000000Z";
  const head = () => `0:${1 + taken.length}`;
  const state = { version: 7, deleted: value === undefined, updatedAt };
  return {
    taken,
    pull: async () => ({ changes: [], cursor: "none", more: false, head: head() }),
    head: async () => ({ head: head(), epoch: null, serverTime: updatedAt }),
    async push({ mutations }) {
      const results = mutations.map((mutation) => {
        if (mutation.op !== "put" && mutation.op !== "delete") throw new Error("expected records");
        const { id, key } = mutation;
        if ("base" in mutation && mutation.base === 7) {
          taken.push("value" in mutation ? mutation.value : undefined);
          return { id, status: "applied" as const, version: 8, seq: head() };
        }
        const current = (value === undefined ? { ...state, key } : { ...state, key, value }) as CurrentState;
        return { id, status: "conflict" as const, version: 7, current };
      });
      return { results, lastMutation: Number(mutations.at(-1)?.id), head: head() };
    },
  };
}

/** Conflicts that wait for a person, whatever driver is below. */
export function describeRecordConflicts(open: OpenStore): void {
  let made = 0;

  /** A key whose record is `local` here, and another one there. */
  async function conflicting(local: unknown, theirs: unknown) {
    made += 1;
    const key = `conflicts/${made}`;
    const remote = contrary(theirs);
    const options = { name: `remote-${made}`, strategy: "manual", scope: key } as const;
    const sync = () => syncOnce(open(), remote, options);
    await open().records.put(key, local);
    expect(await sync()).toMatchObject({ conflicts: 1, done: true });
    return { key, remote: options.name, sync, taken: remote.taken };
  }

  it("lists both sides of a conflict, and keeps what is here readable", async () => {
    const { key, remote } = await conflicting({ n: 1 }, { n: 2 });
    const sides = { local: { value: { n: 1 }, version: 1 }, theirs: { value: { n: 2 }, version: 7 } };
    expect(await open().records.conflicts({ remote })).toEqual([{ key, remote, ...sides }]);
    expect(await open().records.conflicts()).toContainEqual({ key, remote, ...sides });
    expect((await open().records.get(key)).value).toEqual({ n: 1 });
    expect(await open().records.conflicts({ remote: "none" })).toEqual([]);
  });

  it("tells null from a record that is deleted", async () => {
    const { remote } = await conflicting(null, undefined);
    const [conflict] = await open().records.conflicts({ remote });
    expect(conflict?.local.value).toBeNull();
    expect(conflict?.theirs.value).toBeUndefined();
  });

  it("sends what is here when it wins", async () => {
    const { key, remote, sync, taken } = await conflicting("mine", "yours");
    expect(await open().records.resolve(key, "local", { remote })).toBe(true);
    expect(await open().records.conflicts({ remote })).toEqual([]);
    expect(await sync()).toMatchObject({ pushed: 1, conflicts: 0, done: true });
    expect(taken).toEqual(["mine"]);
    expect((await open().records.get(key)).version).toBe(1);
  });

  it("takes what is there when that wins", async () => {
    const { key, sync, taken } = await conflicting("mine", "yours");
    expect(await open().records.resolve(key, "remote")).toBe(true);
    expect(await open().records.get(key)).toMatchObject({ value: "yours", version: 2 });
    expect(await sync()).toMatchObject({ pushed: 0, done: true });
    expect(taken).toEqual([]);
  });

  it("deletes where it is deleted there", async () => {
    const { key } = await conflicting("mine", undefined);
    const told: unknown[] = [];
    const off = open().on("record:resolve", (event) => told.push(event));
    expect(await open().records.resolve(key, "remote")).toBe(true);
    off();
    expect(told).toEqual([{ type: "record:resolve", store: open().name, key, winner: "remote" }]);
    expect(await open().records.find(key)).toBeUndefined();
  });

  it("stores and sends a value that takes the place of both", async () => {
    const { key, sync, taken } = await conflicting("mine", "yours");
    const told: unknown[] = [];
    const off = open().on("record:resolve", (event) => told.push(event));
    expect(await open().records.resolve(key, { value: "both" })).toBe(true);
    off();
    expect(told).toMatchObject([{ key, winner: "value", version: 2 }]);
    expect(await open().records.get(key)).toMatchObject({ value: "both", version: 2 });
    await sync();
    expect(taken).toEqual(["both"]);
  });

  it("says when there is no conflict", async () => {
    const { key } = await conflicting("mine", "yours");
    expect(await open().records.resolve(key, "remote", { remote: "another" })).toBe(false);
    expect(await open().records.resolve(key, "remote")).toBe(true);
    expect(await open().records.resolve(key, "remote")).toBe(false);
    expect(await open().records.resolve("conflicts/none", "local")).toBe(false);
  });
}
