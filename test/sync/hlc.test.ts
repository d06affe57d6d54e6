import { describe, expect, it } from "vitest";
import { pglite } from "../../src/driver/pglite.ts";
import { storeMigrations } from "../../src/migrate/embedded.ts";
import { withMigrations } from "../../src/migrate/with-migrations.ts";
import { compareHlc, hlcOfTime } from "../../src/sync/hlc.ts";

describe("stamps", () => {
  it("come from a time and compare as they do in the database", async () => {
    const driver = withMigrations(pglite(), { mode: "auto", set: storeMigrations, names: { schema: "persist" } });
    const times = ["2026-11-20T10:00:00.000999Z", "1969-12-31T23:59:59.5Z", "2026-11-20T10:00:00.123456Z"];
    for (const time of times) {
      const text = "select hlc_of_time as stamp from persist.hlc_of_time($1, $2::text::timestamptz)";
      const [row] = await driver.query({ text, params: ["s", time] });
      expect(hlcOfTime(time)).toBe(row?.["stamp"]);
    }
    const stamps = ["1-0-a", "1-0-b", "1-0-", "1-0-\uffff", "1-0-\u{1f600}", "1-0-é", "1-1-a", ""];
    const text = `select value from jsonb_array_elements_text($1::text::jsonb) order by value collate "C"`;
    const rows = await driver.query({ text, params: [JSON.stringify(stamps)] });
    expect(stamps.toSorted(compareHlc)).toEqual(rows.map(({ value }) => value));
    expect(compareHlc("1-0-é", "1-0-é")).toBe(0);
    await driver.close();
  });
});
