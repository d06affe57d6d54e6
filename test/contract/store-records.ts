import { expect, it } from "vitest";
import { ConflictError, NotFoundError, PersistError, ValidationError } from "../../src/errors.ts";
import { earthquakes } from "../fixtures/earthquakes.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeRecords(store: OpenStore): void {
  it("gives back what was put, with version and time", async () => {
    const put = await store().records.put("r/first", { mag: 2.5, tags: ["a", null, true] });
    expect(put).toEqual({
      key: "r/first",
      value: { mag: 2.5, tags: ["a", null, true] },
      version: 1,
      updatedAt: expect.any(Date),
    });
    expect(await store().records.get("r/first")).toEqual(put);
    expect(Math.abs(put.updatedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it("tells a missing record from one whose value is null", async () => {
    await store().records.put("r/null", null);
    expect((await store().records.get("r/null")).value).toBeNull();
    expect(await store().records.find("r/missing")).toBeUndefined();
    await expect(store().records.get("r/missing")).rejects.toBeInstanceOf(NotFoundError);
  });

  it("counts versions on through deletion and return", async () => {
    const { records } = store();
    await records.put("r/again", 1);
    expect((await records.put("r/again", 2)).version).toBe(2);
    expect(await records.delete("r/again")).toBe(true);
    expect(await records.delete("r/again")).toBe(false);
    expect(await records.find("r/again")).toBeUndefined();
    expect((await records.put("r/again", 4, { expectedVersion: "absent" })).version).toBe(4);
  });

  it("writes only when the expected version is there", async () => {
    const { records } = store();
    await records.put("r/expect", "one", { expectedVersion: 0 });
    for (const expectedVersion of [0, "absent", 2] as const) {
      const failure = await failureOf(records.put("r/expect", "lost", { expectedVersion }));
      expect(failure).toBeInstanceOf(ConflictError);
      expect(failure).toMatchObject({ code: "conflict", outcome: "rejected", currentVersion: 1 });
    }
    expect((await records.get("r/expect")).value).toBe("one");
    expect((await records.put("r/expect", "two", { expectedVersion: 1 })).version).toBe(2);
    expect((await records.put("r/expect", "three", { expectedVersion: "present" })).version).toBe(3);
  });

  it("refuses to change or delete what should be there and is not", async () => {
    const { records } = store();
    for (const expectedVersion of [1, "present"] as const) {
      const put = await failureOf(records.put("r/nothing", 1, { expectedVersion }));
      expect(put).toMatchObject({ code: "conflict", currentVersion: 0 });
      const removed = await failureOf(records.delete("r/nothing", { expectedVersion }));
      expect(removed).toMatchObject({ code: "conflict", currentVersion: 0 });
    }
    await records.put("r/there", 1);
    expect(await failureOf(records.delete("r/there", { expectedVersion: 7 }))).toMatchObject({ currentVersion: 1 });
    expect(await records.delete("r/there", { expectedVersion: 1 })).toBe(true);
  });

  it("lets one of sixteen writers win that expect the same version", async () => {
    const { records } = store();
    await records.put("r/race", 0);
    const writes = Array.from({ length: 16 }, (_, i) => records.put("r/race", i, { expectedVersion: 1 }));
    const outcomes = await Promise.allSettled(writes);
    const lost = outcomes.filter((outcome) => outcome.status === "rejected").map((outcome) => outcome.reason);
    expect(lost).toHaveLength(15);
    for (const error of lost) expect(error).toMatchObject({ code: "conflict", currentVersion: 2 });
    expect((await records.get("r/race")).version).toBe(2);
  });

  it("keeps earthquakes as they are, and lists them in key order, page by page", async () => {
    const { records } = store();
    await Promise.all(earthquakes.map((quake) => records.put(`quake/${quake.id}`, quake)));

    const found = [];
    for (let after: string | undefined; ; ) {
      const page = await records.list({ prefix: "quake/", limit: 64, after });
      found.push(...page);
      if (page.length < 64) break;
      after = page.at(-1)?.key;
    }
    const expected = earthquakes.map((quake) => ({ key: `quake/${quake.id}`, value: quake }));
    expected.sort((a, b) => (a.key < b.key ? -1 : 1));
    expect(found.map(({ key, value }) => ({ key, value }))).toEqual(expected);
    expect(found.every(({ version }) => version === 1)).toBe(true);
  });

  it("lists a hundred unless told otherwise", async () => {
    const { records } = store();
    const writes = Array.from({ length: 101 }, (_, i) => records.put(`many/${i}`, i));
    await Promise.all(writes);
    expect(await records.list({ prefix: "many/" })).toHaveLength(100);
    expect(await records.list({ prefix: "many/", limit: 101 })).toHaveLength(101);
  });

  it("refuses before sending what cannot be stored, and says where it is", async () => {
    const { records } = store();
    const failure = await failureOf(records.put("r/nan", { items: [1, { price: Number.NaN }] }));
    expect(failure).toBeInstanceOf(ValidationError);
    expect(failure).toMatchObject({
      message: expect.stringContaining("value.items[1].price is NaN"),
      outcome: "not-sent",
    });
    await expect(records.put("", 1)).rejects.toThrow(/key is empty/);
    await expect(records.list({ limit: 1001 })).rejects.toThrow(/limit must be/);
    await expect(records.put("r/x", 1, { expectedVersion: -1 })).rejects.toThrow(/expectedVersion must be/);
  });

  it("sends nothing for a caller who has given up", async () => {
    const failure = await failureOf(store().records.put("r/aborted", 1, { signal: AbortSignal.abort() }));
    expect(failure).toBeInstanceOf(PersistError);
    expect(failure).toMatchObject({ code: "aborted", outcome: "not-sent" });
    expect(await store().records.find("r/aborted")).toBeUndefined();
  });
}
