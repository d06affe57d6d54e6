import { expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { ValidationError } from "../../src/errors.ts";
import { earthquakes } from "../fixtures/earthquakes.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeEventFeed(store: OpenStore): void {
  it("gives every event of every stream once, page by page, each stream in its order", async () => {
    const { events } = store();
    const start = await endOf(store());
    for (const quake of earthquakes.slice(0, 40)) await events.append(`f/${quake.id.slice(0, 2)}`, quake);
    await events.append("f/list", earthquakes.slice(40, 60));

    const whole = await readFrom(store(), start, 1000);
    expect(whole.map(({ payload }) => payload)).toEqual(earthquakes.slice(0, 60));
    for (const limit of [1, 7, 60]) expect(await readFrom(store(), start, limit)).toEqual(whole);
    for (const stream of new Set(whole.map((event) => event.stream))) {
      expect(whole.filter((event) => event.stream === stream)).toEqual(await events.list({ stream }));
    }
  });

  it("gives an event as it was appended", async () => {
    const start = await endOf(store());
    const event = await store().events.append("f/one", [[null]], { type: "Felt", metadata: { by: "x" } });
    expect(await readFrom(store(), start, 10)).toEqual(event);
    const page = await store().events.readAll({ cursor: start, limit: 1 });
    expect(page).toEqual({ events: event, cursor: expect.any(String), more: false });
  });

  it("stands still at the end, whatever else is written", async () => {
    const { events, records, kv } = store();
    const end = await endOf(store());
    expect(await events.readAll({ cursor: end })).toEqual({ events: [], cursor: end, more: false });
    await records.put("f/record", 1);
    await kv.set("f/entry", 1);
    const next = await events.readAll({ cursor: end });
    expect(next).toMatchObject({ events: [], more: false });
    await events.append("f/still", 1);
    expect(await readFrom(store(), end, 10)).toHaveLength(1);
    expect(await readFrom(store(), next.cursor, 10)).toHaveLength(1);
  });

  it("ends a page early when its events are large, and goes on behind it", async () => {
    const start = await endOf(store());
    const sizes = [1_000_000, 900_000, 1_000_000, 1_000_000, 800_000, 1_000_000];
    for (const size of sizes) await store().events.append("f/large", "x".repeat(size));
    const first = await store().events.readAll({ cursor: start });
    expect(first.events).toHaveLength(4);
    expect(first.more).toBe(true);
    const rest = await store().events.readAll({ cursor: first.cursor });
    expect(rest.events.map(({ version }) => version)).toEqual([5, 6]);
    expect(rest.more).toBe(false);
  });

  it("refuses a cursor that is none, and one of another store", async () => {
    for (const cursor of ["", "x", "e30"]) {
      expect(await failureOf(store().events.readAll({ cursor }))).toBeInstanceOf(ValidationError);
    }
  });

  it("prunes from the old end, keeps the version and forgets the ids", async () => {
    const { events } = store();
    await events.append("p/keep", [1, 2, 3, 4, 5], { id: ["p-1", "p-2", "p-3", "p-4", "p-5"] });
    await events.append("p/other", [1, 2, 3]);
    expect(await events.prune({ stream: "p/keep", keep: 2, limit: 1 })).toBe(1);
    expect(await events.prune({ stream: "p/keep", keep: 2 })).toBe(2);
    expect(await events.prune({ stream: "p/keep", keep: 2 })).toBe(0);
    expect((await events.list({ stream: "p/keep" })).map(({ version }) => version)).toEqual([4, 5]);
    expect(await events.list({ stream: "p/other" })).toHaveLength(3);

    expect((await events.append("p/keep", 1, { id: "p-1", expectedVersion: 5 })).version).toBe(6);
    expect(await events.prune({ stream: "p/keep", keep: 0 })).toBe(3);
    await expect(events.append("p/keep", 1, { expectedVersion: "absent" })).rejects.toMatchObject({
      currentVersion: 6,
    });
    expect((await events.append("p/keep", 7, { expectedVersion: 6 })).version).toBe(7);
  });

  it("prunes what is older, in every stream, and only what keep does not hold", async () => {
    const { events } = store();
    await events.append("p/time", [1, 2, 3]);
    const [, , last] = await events.list({ stream: "p/time" });
    const past = new Date(Date.now() - 3_600_000);
    const future = new Date(Date.now() + 3_600_000);
    expect(await events.prune({ before: past })).toBe(0);
    expect(await events.prune({ stream: "p/time", before: future, keep: 1 })).toBe(2);
    expect(await events.list({ stream: "p/time" })).toEqual([last]);
    expect(await events.prune({ before: future, keep: 1 })).toBeGreaterThan(0);
    expect(await events.prune({ before: future })).toBeGreaterThan(0);
    expect(await readFrom(store(), null, 100)).toEqual([]);
  });

  it("goes on reading behind what was pruned", async () => {
    const { events } = store();
    const start = await endOf(store());
    await events.append("p/read", [1, 2, 3]);
    const { cursor } = await events.readAll({ cursor: start, limit: 1 });
    await events.prune({ stream: "p/read", keep: 1 });
    expect((await readFrom(store(), cursor, 10)).map(({ payload }) => payload)).toEqual([3]);
  });

  it("tells listeners of a prune that deleted something", async () => {
    const heard: unknown[] = [];
    const off = store().on("event:prune", (event) => heard.push(event));
    await store().events.append("p/heard", [1, 2]);
    await store().events.prune({ stream: "p/heard", keep: 1 });
    await store().events.prune({ stream: "p/heard", keep: 1 });
    off();
    expect(heard).toEqual([{ type: "event:prune", store: store().name, stream: "p/heard", count: 1 }]);
  });
}

async function readFrom(store: Store, from: string | null, limit: number) {
  const found = [];
  let cursor = from;
  for (let more = true; more; ) {
    const page = await store.events.readAll({ cursor, limit });
    found.push(...page.events);
    ({ cursor, more } = page);
  }
  return found;
}

async function endOf(store: Store): Promise<string> {
  let page = await store.events.readAll({ limit: 1000 });
  while (page.more) page = await store.events.readAll({ cursor: page.cursor, limit: 1000 });
  return page.cursor;
}
