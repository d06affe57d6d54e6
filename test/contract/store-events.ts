import { expect, it } from "vitest";
import { ConflictError } from "../../src/errors.ts";
import { earthquakes } from "../fixtures/earthquakes.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeEvents(store: OpenStore): void {
  it("appends one event and gives it back", async () => {
    const event = await store().events.append("e/one", { felt: null }, { type: "Felt", metadata: { by: "x" } });
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      stream: "e/one",
      version: 1,
      payload: { felt: null },
      timestamp: expect.any(Date),
      type: "Felt",
      metadata: { by: "x" },
    });
    expect(await store().events.list({ stream: "e/one" })).toEqual([event]);
    expect(await store().events.list({ stream: "e/none" })).toEqual([]);
  });

  it("appends a list as a whole, in order", async () => {
    const events = await store().events.append("e/quakes", earthquakes);
    expect(events.map(({ version }) => version)).toEqual(earthquakes.map((_, i) => i + 1));
    const stored = await store().events.list({ stream: "e/quakes", limit: 1000 });
    expect(stored.map(({ payload }) => payload)).toEqual(earthquakes);
    expect(stored).toEqual(events);
  });

  it("stores an array as one event when it is wrapped, and null as a payload", async () => {
    const events = await store().events.append("e/array", [[1, 2], null]);
    expect(events.map(({ payload }) => payload)).toEqual([[1, 2], null]);
    expect(Object.keys(events[0] ?? {}).sort()).toEqual(["id", "payload", "stream", "timestamp", "version"]);
  });

  it("pages in both directions by version, and filters by time", async () => {
    const { events } = store();
    const all = await events.append("e/pages", [1, 2, 3, 4, 5]);
    const payloads = async (options: object) =>
      (await events.list({ stream: "e/pages", ...options })).map(({ payload }) => payload);
    expect(await payloads({ limit: 2 })).toEqual([1, 2]);
    expect(await payloads({ limit: 2, after: 2 })).toEqual([3, 4]);
    expect(await payloads({ limit: 2, direction: "backward" })).toEqual([5, 4]);
    expect(await payloads({ limit: 9, direction: "backward", after: 4 })).toEqual([3, 2, 1]);
    expect(await payloads({ since: all[0]?.timestamp })).toEqual([1, 2, 3, 4, 5]);
    expect(await payloads({ since: new Date(Date.now() + 3_600_000) })).toEqual([]);
  });

  it("gives 64 simultaneous appends consecutive versions", async () => {
    const { events } = store();
    const appended = await Promise.all(Array.from({ length: 64 }, (_, i) => events.append("e/busy", i)));
    const versions = appended.map(({ version }) => version).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    const stored = await events.list({ stream: "e/busy" });
    expect(stored.map(({ id }) => id).sort()).toEqual(appended.map(({ id }) => id).sort());
  });

  it("appends only when the stream is at the expected version", async () => {
    const { events } = store();
    await events.append("e/expect", 1, { expectedVersion: "absent" });
    await events.append("e/expect", 2, { expectedVersion: 1 });
    for (const expectedVersion of [0, 1, 3, "absent"] as const) {
      const failure = await failureOf(events.append("e/expect", [3, 4], { expectedVersion }));
      expect(failure).toBeInstanceOf(ConflictError);
      expect(failure).toMatchObject({ currentVersion: 2, message: expect.stringContaining("stream is at version 2") });
    }
    await expect(events.append("e/never", 1, { expectedVersion: "present" })).rejects.toMatchObject({
      currentVersion: 0,
    });
    expect(await events.list({ stream: "e/never" })).toEqual([]);
    expect((await events.append("e/expect", 3, { expectedVersion: "present" })).version).toBe(3);
  });

  it("lets one of sixteen appends win that expect the same version", async () => {
    const { events } = store();
    const appends = Array.from({ length: 16 }, (_, i) => events.append("e/race", i, { expectedVersion: 0 }));
    const outcomes = await Promise.allSettled(appends);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await events.list({ stream: "e/race" })).toHaveLength(1);
  });

  it("takes the same id as the same event, whatever was expected, also at the same moment", async () => {
    const { events } = store();
    const append = () => events.append("e/same", { n: 1 }, { id: "same-1", expectedVersion: 0 });
    const [first, ...repeats] = await Promise.all([append(), append(), append(), append()]);
    for (const repeat of [...repeats, await append()]) expect(repeat).toEqual(first);
    expect(await events.list({ stream: "e/same" })).toHaveLength(1);

    const both = await events.append("e/same", [{ n: 1 }, { n: 2 }], { id: ["same-1", "same-2"] });
    expect(both.map(({ version }) => version)).toEqual([1, 2]);
  });

  it("refuses an id that belongs to another event", async () => {
    const { events } = store();
    await events.append("e/mine", 1, { id: "taken" });
    await expect(events.append("e/mine", 2, { id: "taken" })).rejects.toBeInstanceOf(ConflictError);
    await expect(events.append("e/other", 1, { id: "taken" })).rejects.toMatchObject({ currentVersion: 0 });
    await expect(events.append("e/mine", 1, { id: "taken", type: "T" })).rejects.toMatchObject({ currentVersion: 1 });
  });

  it("refuses before sending a list that cannot be appended", async () => {
    const { events } = store();
    await expect(events.append("e/bad", [])).rejects.toThrow(/list is empty/);
    await expect(events.append("e/bad", [1, 2], { id: "one" })).rejects.toThrow(/one id for each event/);
    await expect(events.append("e/bad", [1, 2], { id: ["a", "a"] })).rejects.toThrow(/id occurs twice/);
    await expect(events.append("e/bad", [1, { a: 1n }])).rejects.toThrow(/payloads\[1\]\.a is a bigint/);
    expect(await events.list({ stream: "e/bad" })).toEqual([]);
  });
}
