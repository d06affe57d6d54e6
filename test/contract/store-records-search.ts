import { expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { earthquakes } from "../fixtures/earthquakes.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeRecordSearch(store: OpenStore): void {
  async function keysOf(text: string, language?: string): Promise<readonly string[]> {
    return (await store().records.search(text, { language })).records.map(({ key }) => key);
  }

  it("finds words in strings at any depth, and not in names or numbers", async () => {
    const { records } = store();
    await records.putMany([
      { key: "s/1", value: { title: "Zebrafinken im Garten", tags: ["vogel", { note: "quokka" }] } },
      { key: "s/2", value: "Ein Quokka, kein Zebrafink" },
      { key: "s/3", value: { quokka: 1, zebrafinken: null, n: 4711 } },
      { key: "s/4", value: ["quokka"] },
    ]);
    await records.delete("s/4");
    expect(await keysOf("QUOKKA")).toEqual(["s/1", "s/2"]);
    expect(await keysOf("quokka -garten")).toEqual(["s/2"]);
    expect(await keysOf('"im garten"')).toEqual(["s/1"]);
    expect(await keysOf("zebrafink or vogel")).toEqual(["s/1", "s/2"]);
    expect(await keysOf("4711")).toEqual([]);
    expect(await keysOf("zebrafink")).toEqual(["s/2"]);
    expect(await keysOf("zebrafink", "german")).toEqual(["s/1", "s/2"]);
  });

  it("takes any text for words", async () => {
    for (const text of [
      "'",
      '"',
      "\\",
      "& | ! ( ) <->",
      ":*",
      "%_",
      "a' or 1=1; --",
      "-",
      "or",
      "𐀀 👩‍👩‍👧",
      "x".repeat(1024),
    ]) {
      expect(await keysOf(text), text).toEqual(expect.any(Array));
    }
  });

  it("ranks, and pages through equal ranks without loss", async () => {
    const { records } = store();
    const quarter = ["okapi okapi okapi okapi", "okapi and a longer text about it", "okapi", "an okapi okapi"];
    await records.putMany(
      Array.from({ length: 20 }, (_, i) => ({ key: `sr/${i}`, value: { text: quarter[i % 4] ?? "" } })),
    );
    const whole = await records.search("okapi", { limit: 1000 });
    expect(whole.records).toHaveLength(20);
    expect(whole.cursor).toBeUndefined();
    for (const [index, { rank, key }] of whole.records.entries()) {
      const previous = whole.records[index - 1];
      expect(previous === undefined || rank < previous.rank || (rank === previous.rank && key > previous.key)).toBe(
        true,
      );
    }
    expect(new Set(whole.records.map(({ rank }) => rank)).size).toBeGreaterThan(1);
    expect(whole.records[0]).toEqual({
      ...(await records.get(String(whole.records[0]?.key))),
      rank: expect.any(Number),
    });

    for (const limit of [1, 3, 5, 20]) {
      const paged = [];
      for (let after: string | undefined; ; ) {
        const page = await records.search("okapi", { limit, after });
        paged.push(...page.records);
        after = page.cursor;
        if (after === undefined) break;
      }
      expect(paged).toEqual(whole.records);
    }
  });

  it("says so when the database does not know the language", async () => {
    const failure = await failureOf(store().records.search("x", { language: "klingon" }));
    expect(failure).toBeInstanceOf(ValidationError);
    expect(failure).toMatchObject({ outcome: "rejected", sqlstate: "42704" });
    const building = await failureOf(store().records.createSearchIndex({ language: "klingon" }));
    expect(building).toBeInstanceOf(ValidationError);
    await store().records.dropSearchIndex({ language: "klingon" });
  });

  it("leaves out a record that has too many words, and finds the others beside it", async () => {
    const words = Array.from({ length: 90_000 }, (_, i) => `w${i}xyz`).join(" ");
    await store().records.put("big/huge", { words: `gargantuan ${words}` });
    await store().records.put("big/small", { words: "gargantuan" });
    expect(await keysOf("gargantuan", "simple")).toEqual(["big/small"]);
    await store().records.delete("big/huge");
  });

  it("finds the same with an index as without", async () => {
    const { records } = store();
    await records.putMany(earthquakes.map((quake) => ({ key: `sq/${quake.id}`, value: quake })));
    const texts = ["alaska", '"the geysers"', "castaic or willow", "california -explosion", "earthquake"];
    const search = () => Promise.all(texts.map((text) => records.search(text, { language: "english", limit: 1000 })));
    const before = await search();
    for (const { records: found } of before.slice(0, 3)) expect(found.length).toBeGreaterThan(0);

    await records.createSearchIndex({ language: "english" });
    await records.createSearchIndex({ language: "english" });
    expect(await search()).toEqual(before);
    await records.put("sq/new", { place: "Gualala" });
    expect(await keysOf("gualala", "english")).toEqual(["sq/new"]);
    await records.delete("sq/new");
    expect(await keysOf("gualala", "english")).toEqual([]);
    await records.dropSearchIndex({ language: "english" });
    await records.dropSearchIndex({ language: "english" });
    expect(await search()).toEqual(before);
  });
}
