import { describe, expect, it } from "vitest";
import { ValidationError } from "../../src/errors.ts";
import { profileMigrations, storeMigrations } from "../../src/migrate/embedded.ts";
import { ledgerName, renderSql } from "../../src/migrate/render.ts";

describe("renderSql", () => {
  it("puts the schema in place of persist. and leaves the names of the tables", () => {
    const sql = "insert into persist.persist_kv (key) select key from persist.persist_records";
    expect(renderSql(sql, { schema: "App" })).toBe(
      'insert into "App".persist_kv (key) select key from "App".persist_records',
    );
  });

  it("puts schema and prefix in place of pson. and pson_", () => {
    const sql = "create index pson_domain_index_profile on pson.pson_domain_index (profile_id)";
    const rendered = renderSql(sql, { schema: "public", tablePrefix: "app_" });
    expect(rendered).toBe('create index "app_domain_index_profile" on "public"."app_domain_index" (profile_id)');
    expect(renderSql("pson_save.x", { schema: "s", tablePrefix: "" })).toBe('"save".x');
  });

  it("goes by whole words", () => {
    const names = "xpersist.a a.persist.b persist.c persistent.d my_persist.e persist .f";
    expect(renderSql(names, { schema: "s" })).toBe('xpersist.a a.persist.b "s".c persistent.d my_persist.e persist .f');
    const profile = "xpson_a person_b pson_c upson.d pson.e";
    expect(renderSql(profile, { schema: "s", tablePrefix: "p_" })).toBe('xpson_a person_b "p_c" upson.d "s".e');
  });

  it("leaves literals, quoted names and comments alone, and goes into function bodies", () => {
    const sql = `select 'persist.x, it''s', "persist.y" -- it's persist.z
from persist.a; do $$ begin perform persist.b('persist.c'); end $$`;
    expect(renderSql(sql, { schema: "s" })).toBe(`select 'persist.x, it''s', "persist.y" -- it's persist.z
from "s".a; do $$ begin perform "s".b('persist.c'); end $$`);
    expect(renderSql("doc->>'pson_version' = 'pson.x'", { schema: "s", tablePrefix: "p_" })).toBe(
      "doc->>'pson_version' = 'pson.x'",
    );
  });

  it("leaves no default name over in what is published", () => {
    for (const { sql } of storeMigrations) {
      expect(renderSql(sql, { schema: "other" })).not.toMatch(/\bpersist\./);
    }
    for (const { sql } of profileMigrations) {
      const rendered = renderSql(sql, { schema: "other", tablePrefix: "app_" });
      // Outside literals, where members of a document may begin with it.
      expect(rendered.replace(/'(?:[^']|'')*'/g, "''")).not.toMatch(/\bpson[._]/);
      expect(rendered).not.toMatch(/'pson\.|'pson_(?!version)/);
    }
  });

  it("is sure of where literals end in what is published", () => {
    for (const { sql } of [...storeMigrations, ...profileMigrations]) {
      // An escape string could hide a quote from the renderer; a block comment could hold a lone one.
      expect(sql).not.toMatch(/\b[eE]'|\/\*/);
    }
  });

  it("refuses names that are not allowed or become too long", () => {
    expect(() => renderSql("persist.x", { schema: 'a"b' })).toThrow(ValidationError);
    expect(() => renderSql("pson_x", { schema: "a", tablePrefix: "a-" })).toThrow(ValidationError);
    const tablePrefix = "a".repeat(50);
    expect(renderSql("pson_profiles", { schema: "a", tablePrefix })).toBe(`"${tablePrefix}profiles"`);
    expect(() => renderSql("pson_domain_index_profile", { schema: "a", tablePrefix })).toThrow(
      /tablePrefix followed by/,
    );
  });

  it("names the ledger by the prefix", () => {
    expect(ledgerName({ schema: "s" })).toBe("persist_migrations");
    expect(ledgerName({ schema: "s", tablePrefix: "pson_" })).toBe("pson_migrations");
  });
});
