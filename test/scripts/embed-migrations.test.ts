import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import {
  embeddedFile,
  embedMigrations,
  isEmbeddedUpToDate,
  stripCommentLines,
} from "../../scripts/embed-migrations.ts";
import { fixtureTree } from "./fixture-tree.ts";

const profiles = {
  "migrations/profiles/0001-profiles.sql": "create table p ();\n",
  "migrations/profiles-rls/1001-row-level-security.sql": "alter table p enable row level security;\n",
};

describe("the generated module", () => {
  test("holds every set in order, with the checksum of the file as written", async () => {
    const written = "-- why\ncreate table r (note text default 'a\\n`$');\n";
    const root = fixtureTree({
      ...profiles,
      "migrations/stores/0002-records.sql": written.replaceAll("\n", "\r\n"),
      "migrations/stores/0001-tables.sql": "create schema persist;\n",
    });
    const file = join(root, "embedded.ts");
    writeFileSync(file, embedMigrations(root));
    const module: { storeMigrations: unknown; profileMigrations: unknown } = await import(pathToFileURL(file).href);
    expect(module.profileMigrations).toHaveLength(1);
    expect(module.storeMigrations).toEqual([
      expect.objectContaining({ id: 1, name: "tables", sql: "create schema persist;\n" }),
      {
        id: 2,
        name: "records",
        sql: "create table r (note text default 'a\\n`$');\n",
        checksum: createHash("sha256").update(written).digest("hex"),
      },
    ]);
  });

  test("is up to date until a migration is added", () => {
    const root = fixtureTree({ ...profiles, "migrations/stores/0001-a.sql": "select 1;\n", [embeddedFile]: "" });
    expect(isEmbeddedUpToDate(root)).toBe(false);
    writeFileSync(join(root, embeddedFile), embedMigrations(root));
    expect(isEmbeddedUpToDate(root)).toBe(true);
    writeFileSync(join(root, "migrations/stores/0002-b.sql"), "select 2;\n");
    expect(isEmbeddedUpToDate(root)).toBe(false);
  });

  test.each([
    ["a hole in the numbers", { "migrations/stores/0002-b.sql": "" }, /0002-b\.sql: expected number 0001/],
    ["a number given twice", { "migrations/stores/0001-a.sql": "", "migrations/stores/0001-b.sql": "" }, /0002/],
    ["a name that is not kebab-case", { "migrations/stores/0001-Tables.sql": "" }, /kebab-case/],
    ["a stray file", { "migrations/stores/notes.md": "" }, /notes\.md: the name must be/],
    ["an empty set", {}, /migrations\/stores: no files/],
  ])("is refused for %s", (_, files, message) => {
    expect(() => embedMigrations(fixtureTree({ ...profiles, ...files }))).toThrow(message);
  });
});

describe("stripping comments", () => {
  test("drops whole-line comments and blank lines, inside function bodies too", () => {
    const sql = "-- it's a table\ncreate function f() as $$\n  -- don't\n\n  select 1; -- stays\n$$;\n";
    expect(stripCommentLines(sql)).toBe("create function f() as $$\n  select 1; -- stays\n$$;\n");
  });

  test("keeps what looks like a comment inside a string", () => {
    const sql = "select 'first\n-- second\n\nit''s third';\n-- gone\n";
    expect(stripCommentLines(sql)).toBe("select 'first\n-- second\n\nit''s third';\n");
  });

  test("refuses block comments", () => {
    expect(() => stripCommentLines("/* don't */\n")).toThrow(/block comment/);
  });
});
