import { expect, it } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { type Earthquake, earthquakes } from "../fixtures/earthquakes.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeRecordList(store: OpenStore): void {
  it("finds what contains an object, nested ones and arrays too", async () => {
    const { records } = store();
    const values = {
      "l/1": { kind: "a", tags: ["x", "y"], at: { lat: 1, lon: 2 } },
      "l/2": { kind: "b", tags: ["y"], at: { lat: 1, lon: 3 } },
      "l/3": ["x", { kind: "a" }],
      "l/4": "a",
      "l/5": null,
    };
    await records.putMany(Object.entries(values).map(([key, value]) => ({ key, value })));
    const found = async (filter: object) => (await records.list({ prefix: "l/", filter })).map(({ key }) => key);
    expect(await found({ kind: "a" })).toEqual(["l/1"]);
    expect(await found({ at: { lat: 1 } })).toEqual(["l/1", "l/2"]);
    expect(await found({ tags: ["y"] })).toEqual(["l/1", "l/2"]);
    expect(await found({ tags: ["y", "x"] })).toEqual(["l/1"]);
    expect(await found([{ kind: "a" }])).toEqual(["l/3"]);
    expect(await found({})).toEqual(["l/1", "l/2"]);
    expect(await found({ kind: "'; drop table persist.persist_records; --" })).toEqual([]);
  });

  it("pages through what it finds, with an object as with a predicate", async () => {
    const { records } = store();
    await putQuakes(store());
    const expected = earthquakes.filter(isNevadan).map(({ id }) => `lq/${id}`);
    expected.sort();
    expect(expected.length).toBeGreaterThan(3);

    for (const filter of [{ properties: { net: "nn" } }, ({ value }: { value: Earthquake }) => isNevadan(value)]) {
      const found: string[] = [];
      for (let after: string | undefined; ; after = found.at(-1)) {
        const page = await records.list<Earthquake>({ prefix: "lq/", filter, limit: 2, after });
        found.push(...page.map(({ key }) => key));
        if (page.length < 2) break;
      }
      expect(found).toEqual(expected);
    }
  });

  it("reads no further than it must for a predicate", async () => {
    const { records, on } = store();
    await putQuakes(store());
    let calls = 0;
    const off = on("query", ({ operation }) => {
      calls += Number(operation === "records.list");
    });
    expect(await records.list({ prefix: "lq/", limit: 10, filter: () => true })).toHaveLength(10);
    expect(calls).toBe(1);
    expect(await records.list({ prefix: "lq/", limit: 10, filter: () => false })).toEqual([]);
    off();
    // 10, 20, 40, 80 and 160 records for the 200 that there are.
    expect(calls).toBe(6);
  });

  it("hands on what a predicate throws", async () => {
    const { records } = store();
    await records.put("l/throws", 1);
    const thrown = new Error("from the predicate");
    const filter = () => {
      throw thrown;
    };
    expect(await failureOf(records.list({ prefix: "l/throws", filter }))).toBe(thrown);
  });
}

function isNevadan(quake: Earthquake): boolean {
  return (quake.properties as { readonly net?: string }).net === "nn";
}

async function putQuakes({ records }: Store): Promise<void> {
  await records.putMany(earthquakes.map((quake) => ({ key: `lq/${quake.id}`, value: quake })));
}
