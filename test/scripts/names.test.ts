import { describe, expect, test } from "vitest";
import { formatFinding } from "../../scripts/check/finding.ts";
import { checkNames } from "../../scripts/check/names.ts";
import { checkNodeGlobals } from "../../scripts/check/node-globals.ts";
import { fixtureTree } from "./fixture-tree.ts";

describe("names that say nothing", () => {
  test.each([
    ["src/sql/utils.ts"],
    ["src/helpers/a.ts"],
    ["scripts/lib/a.ts"],
    ["test/common.test.ts"],
    ["worker/services/a.ts"],
    ["src/constants.ts"],
    ["src/StoreManagers/managers.ts"],
  ])("%s is refused", (file) => {
    expect(checkNames(fixtureTree({ [file]: "" })).map(formatFinding)).toEqual([
      expect.stringMatching(new RegExp(`^${file} .*does not say`)),
    ]);
  });

  test("a word that only begins or ends with one passes", () => {
    expect(checkNames(fixtureTree({ "src/sql/librarian.ts": "", "src/sql/common-table-expression.ts": "" }))).toEqual(
      [],
    );
  });

  test("`any` as a type is refused in src and worker, wherever it stands", () => {
    const root = fixtureTree({
      "src/sql/a.ts": "export function f(x: readonly any[]) { return x as any; }",
      "worker/a.ts": "\n\nconst any = 'any: any';\nexport type A = Record<string, any>;",
    });
    expect(checkNames(root).map(({ file, line }) => `${file}:${line}`)).toEqual([
      "src/sql/a.ts:1",
      "src/sql/a.ts:1",
      "worker/a.ts:4",
    ]);
  });
});

describe("globals of Node", () => {
  test.each([
    ["process.env['A'];", "process"],
    ["const { env } = process;", "process"],
    ["globalThis.process?.env;", "process"],
    ["globalThis['Buffer'];", "Buffer"],
    ["export function f(x: Buffer) { return x; }", "Buffer"],
    ["let t: NodeJS.Timeout;", "NodeJS"],
    ["const fs = require('fs');", "require"],
    ["console.log(__dirname);", "__dirname"],
    ["const settings = { process };", "process"],
  ])("%s is refused", (text, name) => {
    const found = checkNodeGlobals(fixtureTree({ "src/sql/a.ts": text })).map(formatFinding);
    expect(found).toEqual([expect.stringContaining(`src/sql/a.ts:1 names ${name}`)]);
  });

  test("properties, strings, comments and longer names pass", () => {
    const text = `
      // process, Buffer
      const text = "process.env and Buffer";
      export function f(x: ArrayBuffer, queue: { process(): void; Buffer?: string }) { queue.process(); return x; }
    `;
    expect(checkNodeGlobals(fixtureTree({ "src/sql/a.ts": text }))).toEqual([]);
  });

  test("the rooms that are for Node alone may name them", () => {
    expect(checkNodeGlobals(fixtureTree({ "src/cli/a.ts": "process.exit();" }))).toEqual([]);
  });
});
