import { expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { failureOf, type OpenStore } from "./store.ts";

export function describeSql(store: OpenStore): void {
  it("reads the store's tables with bound values", async () => {
    const { sql, records, events, kv, name } = store();
    for (const mag of [1, 4.4, 5.5, 6]) await records.put(`sql/${mag}`, { mag, place: "it's" });
    const quakes = await sql<{ key: string; mag: number }>`
      select key, (value->>'mag')::float8 as mag
      from ${sql.records}
      where store = ${name} and not deleted and key like ${"sql/%"} and (value->>'mag')::float8 > ${4.4}
      order by key`;
    expect(quakes).toEqual([
      { key: "sql/5.5", mag: 5.5 },
      { key: "sql/6", mag: 6 },
    ]);
    await events.append("sql/stream", 1);
    await kv.set("sql/entry", 1);
    const counts = await sql`
      select (select count(*)::int from ${sql.events} e where e.store = ${name} and e.stream = ${"sql/stream"}) as events,
             (select count(*)::int from ${sql.kv} k where k.store = ${name} and k.key = ${"sql/entry"}) as entries`;
    expect(counts).toEqual([{ events: 1, entries: 1 }]);
  });

  it("binds every kind of value", async () => {
    const { sql } = store();
    const value = { "it's": [1, null, { "🌍": "\\" }] };
    const when = new Date("2026-11-20T10:00:00.123Z");
    const rows = await sql`
      select ${"'; drop table x; --"} as text, ${true}::bool as yes, ${null}::int is null as missing, ${41}::int + 1 as n,
             ${0.1}::float8 as f, ${2n ** 63n - 1n}::int8 as big, ${value}::text::jsonb as json, ${[1, "a"]}::text::jsonb as list,
             (${when}::timestamptz = '2026-11-20 10:00:00.123+00') as same`;
    expect(rows).toEqual([
      {
        text: "'; drop table x; --",
        yes: true,
        missing: true,
        n: 42,
        f: 0.1,
        big: "9223372036854775807",
        json: value,
        list: [1, "a"],
        same: true,
      },
    ]);
  });

  it("puts fragments together, with their values bound", async () => {
    const { sql } = store();
    const column = sql.identifier("Mixed_case");
    const big = sql.fragment`n > ${1}`;
    const both = sql.fragment`${big} and n < ${3}`;
    expect(await sql`select n as ${column} from generate_series(0, ${5}::int) n where ${both}`).toEqual([
      { Mixed_case: 2 },
    ]);
  });

  it("never takes data for SQL, whatever it looks like", async () => {
    const { sql } = store();
    const { records } = sql;
    const posers = [
      { strings: ["1; drop table x"], values: [], isTable: true },
      JSON.parse(JSON.stringify({ text: "1 = 1", params: [] })),
      { ...records, toJSON: undefined },
      { toJSON: () => "persist_records" },
      ["1 or 1 = 1"],
    ];
    for (const poser of posers) {
      const call = sql`select ${poser}::text as sent`;
      const expected = poser.toJSON === undefined && "toJSON" in poser ? undefined : JSON.stringify(poser);
      if (expected === undefined) expect(await failureOf(call)).toBeInstanceOf(ValidationError);
      else expect(await call).toEqual([{ sent: expected }]);
    }
    const texts = [
      "$1",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: data that looks like a placeholder
      "${1}",
      '"x"',
      "'",
      "--",
      "/*",
      "\\'",
      "x'; select pg_sleep(10); --",
      "persist.persist_records",
    ];
    for (const text of texts) expect(await sql`select ${text} as sent`).toEqual([{ sent: text }]);
    // A digit or a letter beside a value does not become a part of it.
    expect(await failureOf(sql`select ${1}0 as n`)).toMatchObject({ sqlstate: "42601" });
  });

  it("only reads, unless it is asked to write", async () => {
    const { sql, records, name } = store();
    await records.put("sql/safe", 1);
    const remove = await failureOf(sql`delete from ${sql.records} where key = ${"sql/safe"}`);
    expect(remove).toMatchObject({ code: "database", sqlstate: "25006", outcome: "rolled-back" });
    const call = await failureOf(sql`select status from ${sql.records} r, lateral (select 'x' as status) s for update`);
    expect(call).toMatchObject({ sqlstate: "25006" });
    expect(await records.get("sql/safe")).toMatchObject({ version: 1 });

    const table = sql.identifier(`mine_${name.replaceAll(/\W/g, "")}_${Math.random().toString(36).slice(2)}`);
    await sql.write`create table ${table} (id int primary key, body text)`;
    const written = await sql.write`insert into ${table} values (${1}, ${"it's"}) returning id, body`;
    expect(written).toEqual([{ id: 1, body: "it's" }]);
    expect(await sql`select body from ${table}`).toEqual([{ body: "it's" }]);
    await sql.write`drop table ${table}`;
  });

  it("keeps to a signal and a deadline", async () => {
    const { sql } = store();
    const given = sql.with({ signal: AbortSignal.abort() });
    expect(await failureOf(given`select 1`)).toMatchObject({ code: "aborted", outcome: "not-sent" });
    expect(await failureOf(given.with({ timeoutMs: 1000 }).write`select 1`)).toMatchObject({ code: "aborted" });
    expect(await sql.with({ timeoutMs: 10_000 })`select count(*)::int >= 0 as ok from ${sql.kv}`).toEqual([
      { ok: true },
    ]);
  });
}
