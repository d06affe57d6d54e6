import { describe, expect, test } from "vitest";
import { formatFinding } from "../../scripts/check/finding.ts";
import { checkLayers, layerOf } from "../../scripts/check/layers.ts";
import { fixtureTree } from "./fixture-tree.ts";

const manifest = JSON.stringify({
  name: "onetrip",
  exports: { ".": "./src/index.ts", "./pg": "./src/driver/pg.ts", "./hono": "./src/http/index.ts" },
});

function findings(files: Readonly<Record<string, string>>): readonly string[] {
  return checkLayers(fixtureTree({ "package.json": manifest, ...files })).map(formatFinding);
}

describe("imports that are refused", () => {
  test.each([
    ["to the left", "src/sql/a.ts", 'import { b } from "../stores/b.ts";', "sql may not import stores"],
    ["to the left, as a type", "src/errors.ts", 'import type { Driver } from "./driver.ts";', "nothing"],
    ["to the left, as a re-export", "src/driver.ts", 'export * from "./sql/b.ts";', "driver may not import sql"],
    ["to the left, as import()", "src/migrate/a.ts", 'void import("../sync/b.ts");', "migrate may not import sync"],
    ["to the left, inside a type", "src/sql/a.ts", 'type A = import("../http/b.ts").B;', "sql may not import http"],
    ["between stores and profiles", "src/stores/a.ts", 'import "../profiles/b.ts";', "stores may not import profiles"],
    ["of the entry", "src/http/a.ts", 'import "../index.ts";', "http may not import entry"],
    ["of a driver by the entry", "src/index.ts", 'export * from "./driver/pg.ts";', "may not import driver pg"],
    ["of a driver by its public name", "src/sync/a.ts", 'import { pg } from "onetrip/pg";', "may not import driver pg"],
    [
      "of a driver by a driver",
      "src/driver/pg.ts",
      'import "./postgres.ts";',
      "driver pg may not import driver postgres",
    ],
    ["of the side room", "src/http/a.ts", 'import "../local/b.ts";', "http may not import local"],
    ["of a side room's left", "src/local/a.ts", 'import "../sync/b.ts";', "local may not import sync"],
    ["of source by the worker", "worker/a.ts", 'import "../src/http/index.ts";', "by its public names"],
    ["of a file in no layer", "src/sql/a.ts", 'import "../b.ts";', "src/b.ts is in no layer"],
    ["of a computed name", "src/stores/a.ts", 'void import(String("b"));', "the name is computed"],
    ["of a driver's package", "src/stores/a.ts", 'import { Pool } from "pg";', "only src/driver/pg.ts, src/local/"],
    [
      "of a driver's types",
      "src/create-store.ts",
      'import type { Sql } from "postgres";',
      "only src/driver/postgres.ts",
    ],
    ["of a deep path", "src/driver/pg.ts", 'import "@neondatabase/serverless/x";', "only src/driver/neon-http.ts"],
    ["of hono by the core", "src/sync/a.ts", 'import { Hono } from "hono";', "only src/http/, worker/"],
    ["of jose by the core", "src/sync/a.ts", 'import "jose";', "only src/http/, worker/"],
    ["of a package nobody owns", "src/sql/a.ts", 'import "left-pad";', "left-pad has no owner"],
    ["of a module of Node", "src/sql/a.ts", 'import "node:fs";', "know the modules of a runtime"],
    ["of a module of Node, bare", "src/driver/pg.ts", 'import "fs/promises";', "know the modules of a runtime"],
    ["of a module of Cloudflare", "src/driver/pg.ts", 'import "cloudflare:sockets";', "modules of a runtime"],
    ["by require", "src/sql/a.ts", 'const fs = require("fs");', "know the modules of a runtime"],
  ])("%s", (_, file, text, why) => {
    expect(findings({ [file]: `\n${text}\n` })).toEqual([
      expect.stringMatching(new RegExp(`^${file}:2 → .*${why.replaceAll(/[.()]/g, "\\$&")}`)),
    ]);
  });

  test("a file that is in no layer is named", () => {
    expect(findings({ "src/stuff.ts": "" })).toEqual([expect.stringMatching(/^src\/stuff\.ts is in no layer/)]);
  });
});

test("imports that point right pass", () => {
  const allowed = {
    "src/index.ts": 'export * from "./create-store.ts"; export * from "./errors.ts";',
    "src/create-store.ts": 'import "./stores/a.ts"; void import("./driver/pg.ts"); void import(String("pg"));',
    "src/stores/a.ts": 'import "../migrate/a.ts"; import "./b.ts"; import type { Driver } from "../driver.ts";',
    "src/stores/b.ts": "",
    "src/profiles/a.ts": 'import "../sql/a.ts";',
    "src/migrate/a.ts": 'import "../sql/a.ts";',
    "src/sql/a.ts": 'import "../errors.ts";',
    "src/sync/a.ts": 'import "../create-store.ts";',
    "src/http/index.ts": 'import { Hono } from "hono/tiny"; import "jose"; import "../sync/a.ts";',
    "src/driver.ts": "",
    "src/driver/retry.ts": 'import "../driver.ts";',
    "src/driver/postgres.ts": 'import "./postgres-connection.ts";',
    "src/driver/postgres-connection.ts": 'import "postgres";',
    "src/driver/pg.ts": 'import type { Pool } from "pg"; import "./retry.ts"; import "../errors.ts";',
    "src/errors.ts": "",
    "src/local/a.ts": 'import "node:fs"; import "../errors.ts";',
    "src/cli/a.ts": 'import "node:process"; import "../local/a.ts"; import "../http/index.ts";',
    "worker/cloudflare.ts": 'import "onetrip"; import "onetrip/hono"; import "./routes.ts"; import "hono";',
    "worker/routes.ts": "",
  };
  expect(findings(allowed)).toEqual([]);
});

test("the longest path decides the layer", () => {
  expect(layerOf("src/driver/pg.ts")?.name).toBe("driver pg");
  expect(layerOf("src/driver/retry.ts")?.name).toBe("driver");
  expect(layerOf("src/other.ts")).toBeUndefined();
});
