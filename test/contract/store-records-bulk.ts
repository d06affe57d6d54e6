import { expect, it } from "vitest";
import { ConflictError } from "../../src/errors.ts";
import type { StoreEvent } from "../../src/stores/store-event.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeRecordBulk(store: OpenStore): void {
  it("puts many, and gives them back in the order they were given", async () => {
    const { records } = store();
    const keys = ["b/z", "b/a", "b/𐀀", "b/\uffff", "b/m"];
    const put = await records.putMany(keys.map((key, index) => ({ key, value: { index } })));
    expect(put.map(({ key }) => key)).toEqual(keys);
    expect(put.map(({ value }) => value)).toEqual(keys.map((_, index) => ({ index })));
    for (const record of put) {
      expect(record).toMatchObject({ version: 1, updatedAt: expect.any(Date) });
      expect(await records.get(record.key)).toEqual(record);
    }
    expect(await records.getMany(keys)).toEqual(put);
  });

  it("counts each record's own version on, also over one that was deleted", async () => {
    const { records } = store();
    await records.put("b/old", 1);
    await records.put("b/old", 2);
    await records.put("b/gone", 1);
    await records.delete("b/gone");
    const put = await records.putMany([
      { key: "b/old", value: 3 },
      { key: "b/gone", value: null },
      { key: "b/new", value: "" },
    ]);
    expect(put.map(({ version }) => version)).toEqual([3, 3, 1]);
    expect(put.map(({ value }) => value)).toEqual([3, null, ""]);
  });

  it("writes the last of several values for one key, as one version", async () => {
    const { records } = store();
    const put = await records.putMany([
      { key: "b/twice", value: "first" },
      { key: "b/other", value: 0 },
      { key: "b/twice", value: "last", expectedVersion: "absent" },
    ]);
    expect(put.map(({ key, value, version }) => [key, value, version])).toEqual([
      ["b/twice", "last", 1],
      ["b/other", 0, 1],
      ["b/twice", "last", 1],
    ]);
    expect(await records.get("b/twice")).toEqual(put[0]);
  });

  it("writes when every expectation holds", async () => {
    const { records } = store();
    await records.putMany([
      { key: "b/e1", value: 1, expectedVersion: "absent" },
      { key: "b/e2", value: 1, expectedVersion: 0 },
    ]);
    const put = await records.putMany([
      { key: "b/e3", value: 2, expectedVersion: "absent" },
      { key: "b/e2", value: 2, expectedVersion: "present" },
      { key: "b/e4", value: 2 },
      { key: "b/e1", value: 2, expectedVersion: 1 },
    ]);
    expect(put.map(({ version, value }) => [version, value])).toEqual([
      [1, 2],
      [2, 2],
      [1, 2],
      [2, 2],
    ]);
    expect(await records.getMany(["b/e3", "b/e2", "b/e4", "b/e1"])).toEqual(put);
  });

  it("writes nothing when one expectation fails, and says which", async () => {
    const { records } = store();
    await records.put("b/all-1", "as it was");
    await records.put("b/all-2", "as it was");
    const before = await records.list({ prefix: "b/all" });
    for (const [expectedVersion, currentVersion, key] of [
      [2, 1, "b/all-2"],
      ["absent", 1, "b/all-2"],
      [1, 0, "b/all-9"],
      ["present", 0, "b/all-9"],
    ] as const) {
      const failure = await failureOf(
        records.putMany([
          { key: "b/all-0", value: "new" },
          { key: "b/all-1", value: "changed", expectedVersion: 1 },
          { key, value: "changed", expectedVersion },
          { key: "b/all-1", value: "changed", expectedVersion: 7 },
        ]),
      );
      expect(failure).toBeInstanceOf(ConflictError);
      expect(failure).toMatchObject({ code: "conflict", outcome: "rejected", part: 2, currentVersion });
      expect(await records.list({ prefix: "b/all" })).toEqual(before);
    }
  });

  it("lets one of eight calls win that expect the same records", async () => {
    const { records } = store();
    const entries = Array.from({ length: 20 }, (_, i) => ({ key: `b/race-${i}`, value: 0 }));
    await records.putMany(entries.slice(0, 10));
    const calls = Array.from({ length: 8 }, (_, caller) => {
      const writes = entries.map(({ key }, i) => {
        return { key, value: caller, expectedVersion: i < 10 ? 1 : ("absent" as const) };
      });
      return records.putMany(caller % 2 ? writes : writes.toReversed());
    });
    const outcomes = await Promise.allSettled(calls);
    const won = outcomes.findIndex(({ status }) => status === "fulfilled");
    const lost = outcomes.filter((outcome) => outcome.status === "rejected").map(({ reason }) => reason);
    expect(lost).toHaveLength(7);
    for (const error of lost) expect(error).toMatchObject({ code: "conflict" });
    const found = await records.list({ prefix: "b/race-" });
    expect(found.map(({ value }) => value)).toEqual(entries.map(() => won));
    expect(found.map(({ version }) => version).toSorted()).toEqual([...Array(10).fill(1), ...Array(10).fill(2)]);
  });

  it("gets many in the order of the keys, with gaps and repetitions", async () => {
    const { records } = store();
    await records.putMany([
      { key: "b/g1", value: null },
      { key: "b/g2", value: 2 },
    ]);
    const found = await records.getMany(["b/g2", "b/missing", "b/g1", "b/g2"]);
    expect(found.map((record) => record?.value)).toEqual([2, undefined, null, 2]);
    expect(found.map((record) => record?.key)).toEqual(["b/g2", undefined, "b/g1", "b/g2"]);
  });

  it("deletes many, and counts those that were there", async () => {
    const { records } = store();
    await records.putMany(["b/d1", "b/d2", "b/d3"].map((key) => ({ key, value: key })));
    await records.delete("b/d2");
    expect(await records.deleteMany(["b/d3", "b/d1", "b/d2", "b/never", "b/d1"])).toBe(2);
    expect(await records.deleteMany(["b/d3", "b/d1", "b/d2"])).toBe(0);
    expect(await records.list({ prefix: "b/d" })).toEqual([]);
    expect((await records.put("b/d1", 1)).version).toBe(3);
  });

  it("takes a thousand at once", async () => {
    const { records } = store();
    const entries = Array.from({ length: 1000 }, (_, i) => ({
      key: `b/k/${i}`,
      value: { i, text: "x".repeat(i % 7) },
    }));
    const keys = entries.map(({ key }) => key);
    expect(await records.putMany(entries)).toHaveLength(1000);
    expect((await records.getMany(keys)).map((record) => record?.value)).toEqual(entries.map(({ value }) => value));
    expect(await records.deleteMany(keys)).toBe(1000);
  });

  it("answers an empty list with nothing", async () => {
    const { records } = store();
    expect(await records.putMany([])).toEqual([]);
    expect(await records.getMany([])).toEqual([]);
    expect(await records.deleteMany([])).toBe(0);
  });

  it("tells listeners of every record that was written or deleted, and of a conflict", async () => {
    const { records, on } = store();
    const heard: StoreEvent[] = [];
    const off = on("record:*", (event) => heard.push(event));
    await records.putMany(["b/l2", "b/l1", "b/l2"].map((key) => ({ key, value: 1 })));
    await records.deleteMany(["b/l2", "b/l9"]);
    await failureOf(records.putMany([{ key: "b/l1", value: 1, expectedVersion: 5 }]));
    off();
    const of = { store: store().name };
    expect(heard).toHaveLength(4);
    expect(heard).toEqual(
      expect.arrayContaining([
        { type: "record:put", ...of, key: "b/l1", version: 1 },
        { type: "record:put", ...of, key: "b/l2", version: 1 },
        { type: "record:delete", ...of, key: "b/l2" },
        { type: "record:conflict", ...of, key: "b/l1", currentVersion: 1 },
      ]),
    );
  });
}
