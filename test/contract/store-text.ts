import { expect, it } from "vitest";
import type { OpenStore } from "./store.ts";

const texts = [
  "plain",
  "emoji 👩‍👩‍👧‍👦 and flags 🇨🇭",
  "line\u2028and\u2029paragraph separators",
  "control \u0001 \u001f \u007f \u0085, tab\t, line\r\n",
  "quotes ' \" ` $1 $$ \\ \\u0000 %s {} ::jsonb -- /* ; */",
  "combining e\u0301 and composed \u00e9 differ",
  // Not at the beginning: PGlite itself drops it there.
  "byte order mark \ufeff, \ufffd, \uffff",
  "𐀀 astral, \ud7ff and \ue000 at the edges of the surrogates",
];

export function describeText(store: OpenStore): void {
  it("keeps text as it is in keys, values and member names", async () => {
    const { records, events, kv } = store();
    for (const text of texts) {
      const value = { [text]: [text, { nested: text }] };
      expect((await records.put(`t/${text}`, value)).value).toEqual(value);
      expect(await records.get(`t/${text}`)).toMatchObject({ key: `t/${text}`, value });
      const event = await events.append(`t/${text}`, value, { type: text, metadata: value, id: `t/${text}` });
      expect(await events.list({ stream: `t/${text}` })).toEqual([event]);
      await kv.set(`t/${text}`, text);
      expect(await kv.get(`t/${text}`)).toBe(text);
    }
  });

  it("keeps __proto__ as a member like any other", async () => {
    const value: unknown = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1, "toString": null}');
    await store().records.put("t-proto", value);
    const stored = (await store().records.get<object>("t-proto")).value;
    expect(Object.keys(stored).sort()).toEqual(["__proto__", "constructor", "toString"]);
    expect(JSON.stringify(Object.getOwnPropertyDescriptor(stored, "__proto__")?.value)).toBe('{"polluted":true}');
    expect("polluted" in stored).toBe(false);
  });

  it("keeps numbers to the last digit", async () => {
    const numbers = [0.1, 1 / 3, 5e-324, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** -1074, 123456.789e-10];
    await store().records.put("t-numbers", numbers);
    expect((await store().records.get("t-numbers")).value).toEqual(numbers);
  });

  it("orders keys by byte and not by UTF-16 unit", async () => {
    const { records, kv } = store();
    const inOrder = ["o/", "o/A", "o/Z", "o/_", "o/a", "o/é", "o/\uffff", "o/𐀀", "o/😀", "o/\u{10ffff}"];
    for (const key of inOrder.toReversed()) {
      await records.put(key, 1);
      await kv.set(key, 1);
    }
    expect((await records.list({ prefix: "o/" })).map(({ key }) => key)).toEqual(inOrder);
    expect((await kv.list({ prefix: "o/" })).map(({ key }) => key)).toEqual(inOrder);
    expect((await records.list({ prefix: "o/", after: "o/\uffff" })).map(({ key }) => key)).toEqual(inOrder.slice(7));
    expect((await records.list({ prefix: "o/\u{10ffff}" })).map(({ key }) => key)).toEqual(["o/\u{10ffff}"]);
  });

  it("takes %, _ and \\ in a prefix for themselves", async () => {
    const { records } = store();
    const keys = ["p%1", "p_1", "p\\1", "p11", "px1"];
    for (const key of keys) await records.put(key, 1);
    for (const prefix of ["p%", "p_", "p\\", "p1", "px"]) {
      const found = await records.list({ prefix });
      expect(found.map(({ key }) => key)).toEqual(keys.filter((key) => key.startsWith(prefix)));
    }
  });
}
