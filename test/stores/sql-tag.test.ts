import { describe, expect, expectTypeOf, it } from "vitest";
import {
  createStore,
  type Driver,
  PersistError,
  type Row,
  type Statement,
  type Store,
  ValidationError,
} from "../../src/index.ts";

/** A store that sends nothing anywhere, and what it would have sent. */
async function open(name = "s", schema = "persist"): Promise<{ store: Store; sent: Statement[] }> {
  const sent: Statement[] = [];
  const driver: Driver = {
    name: "recording",
    query: async (statement) => {
      sent.push(statement);
      return [];
    },
    batch: async (statements) => {
      sent.push(...statements);
      return statements.map(() => []);
    },
    close: async () => undefined,
  };
  return { store: await createStore(name, { driver, schema }), sent };
}

describe("store.sql", () => {
  it("has no COPY and no transaction of its own", async () => {
    const { store, sent } = await open();
    await expect(store.sql.write`copy t from stdin`).rejects.toThrow(ValidationError);
    await expect(store.sql.write`begin`).rejects.toThrow(ValidationError);
    await expect(store.sql`-- to the client\n copy t to stdout`).rejects.toThrow(ValidationError);
    expect(sent).toEqual([]);
  });

  it("is a statement of which every value is a parameter", async () => {
    const { store, sent } = await open("s", "Mine");
    const { sql } = store;
    const hostile = "'; drop table users; --";
    await sql`select ${hostile}, ${[hostile]} from ${sql.records} where ${sql.fragment`a = ${1} or ${sql.identifier("b")} = ${2n}`}`;
    await sql.write`update t set a = ${new Date(0)}`;
    expect(sent).toEqual([
      {
        text: 'select  $1 ,  $2  from "Mine"."persist_records" where a =  $3  or "b" =  $4 ',
        params: [hostile, JSON.stringify([hostile]), 1, "2"],
      },
      { text: "update t set a =  $1 ", params: ["1970-01-01T00:00:00.000Z"] },
    ]);
  });

  const refusedValues: readonly [name: string, value: unknown, message: RegExp][] = [
    ["undefined", undefined, /value 2 is undefined; use null/],
    ["NaN", Number.NaN, /value 2 is NaN/],
    ["infinity", Number.NEGATIVE_INFINITY, /value 2 is -Infinity/],
    ["an integer that is not exact", 2 ** 53, /use a bigint/],
    ["a function", () => "x", /value 2 is a function/],
    ["a symbol", Symbol("x"), /value 2 is a symbol/],
    ["NUL", "a\0", /contains NUL/],
    ["half a surrogate pair", "\ud800", /half a surrogate pair/],
    ["a member that JSON would drop", { a: undefined }, /value 2\.a is undefined/],
    ["an object with a class", new Map(), /value 2 is a Map/],
    ["bytes", Uint8Array.of(1), /value 2 is a Uint8Array/],
    ["an invalid date", new Date(Number.NaN), /value 2 must be a valid Date/],
    ["JSON that is too large", ["x".repeat(8 * 1024 * 1024)], /larger than 8388608 bytes/],
  ];
  for (const [name, value, message] of refusedValues) {
    it(`refuses ${name} before anything is sent, and does not repeat it`, async () => {
      const { store, sent } = await open();
      for (const tag of [store.sql, store.sql.write, store.sql.with({}), store.sql.with({ timeoutMs: 9 }).write]) {
        const call = tag`select ${"s3cret"}, ${value as string}`;
        await expect(call).rejects.toThrow(ValidationError);
        await expect(call).rejects.toThrow(message);
        await expect(call).rejects.not.toThrow(/s3cret/);
      }
      expect(sent).toEqual([]);
    });
  }

  it("refuses to be called with SQL that was put together", async () => {
    const { store, sent } = await open();
    const { sql } = store;
    const posers: unknown[] = ["select 1", ["select 1"], [["select 1"]], { raw: ["x"] }, undefined, null, []];
    for (const poser of posers) {
      const strings = poser as TemplateStringsArray;
      await expect(sql(strings)).rejects.toThrow(/write the statement as a template/);
      await expect(sql.write(strings)).rejects.toThrow(ValidationError);
      expect(() => sql.fragment(strings)).toThrow(ValidationError);
    }
    const template = Object.assign(["select ", ""], { raw: ["select ", ""] });
    await expect(sql(template, "a", "b")).rejects.toThrow(ValidationError);
    expect(sent).toEqual([]);
  });

  it("refuses names that could be more than names", async () => {
    const { sql } = (await open()).store;
    for (const name of ["", "a b", 'a"b', "a.b", "1a", "pg_x", "x".repeat(64), "é", undefined]) {
      expect(() => sql.identifier(name as string)).toThrow(ValidationError);
    }
  });

  it("knows its own fragments, and those of another store or a copy for what they are not", async () => {
    const [mine, other] = [await open("a"), await open("b")];
    const { sql } = mine.store;
    const fragments = [sql.records, sql.identifier("x"), sql.fragment`1 = ${1}`];
    for (const fragment of fragments) {
      await expect(other.store.sql`select ${fragment}`).rejects.toThrow(/a fragment and no data/);
      await expect(sql`select ${{ ...fragment }}`).rejects.toThrow(ValidationError);
      await expect(sql`select ${[fragment]}`).rejects.toThrow(ValidationError);
      await expect(mine.store.records.put("k", { fragment })).rejects.toThrow(ValidationError);
      expect(Object.isFrozen(fragment)).toBe(true);
    }
    await sql.with({ timeoutMs: 1 })`select ${sql.records}`;
    expect(mine.sent).toHaveLength(1);
    expect(other.sent).toEqual([]);
  });

  it("refuses more values than every driver can count", async () => {
    const { store, sent } = await open();
    let list = store.sql.fragment`${0}`;
    for (let i = 0; i < 16; i++) list = store.sql.fragment`${list}, ${list}`;
    await expect(store.sql`select ${list}`).rejects.toThrow(/more than 65533 values/);
    expect(sent).toEqual([]);
  });

  it("passes on signal and deadline, the later over the earlier", async () => {
    const { signal } = new AbortController();
    const seen: unknown[] = [];
    const driver: Driver = {
      name: "seeing",
      query: async (_, options) => {
        seen.push(options);
        return [];
      },
      batch: async (statements, options) => {
        seen.push(options);
        return statements.map(() => []);
      },
      close: async () => undefined,
    };
    const { sql } = await createStore("s", { driver });
    await sql.with({ signal, timeoutMs: 1 }).with({ timeoutMs: 2 })`select 1`;
    await sql.with({ timeoutMs: 3 }).write`select 1`;
    await sql`select 1`;
    expect(seen).toEqual([
      { signal, timeoutMs: 2, readOnly: true },
      { signal: undefined, timeoutMs: 3 },
      { readOnly: true },
    ]);
  });

  it("looks to the schema only for statements that name the store's tables", async () => {
    const missing = new PersistError("database", "no such table", { outcome: "rejected", sqlstate: "42P01" });
    const driver: Driver = {
      name: "empty",
      query: () => Promise.reject(missing),
      batch: () => Promise.reject(missing),
      close: async () => undefined,
    };
    const { sql } = await createStore("s", { driver, migrate: "check" });
    await expect(sql`select 1 from mine`).rejects.toBe(missing);
    await expect(sql.write`delete from mine`).rejects.toBe(missing);
    await expect(sql`select 1 from ${sql.fragment`${sql.kv}`}`).rejects.toMatchObject({ code: "migration" });
    await expect(sql.write`delete from ${sql.events}`).rejects.toMatchObject({ code: "migration" });
  });

  it("has the type of row that it is told", () => {
    expectTypeOf((store: Store) => store.sql`select 1`).returns.resolves.toEqualTypeOf<readonly Row[]>();
    expectTypeOf((store: Store) => store.sql.write<{ n: number }>`select 1 as n`).returns.resolves.toEqualTypeOf<
      readonly { n: number }[]
    >();
  });
});
