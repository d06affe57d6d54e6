import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildCommand, noticesFile } from "../../scripts/build/command.ts";
import { publishedManifest, readManifest } from "../../scripts/build/manifest.ts";
import { fixtureTree } from "./fixture-tree.ts";

const repository = join(import.meta.dirname, "../..");

test("the program holds its parser, and leaves the library and the drivers where they are", async () => {
  const out = fixtureTree({
    "package.json": '{ "type": "module" }',
    "esm/errors.js": 'export const name = "the library";',
    "esm/driver/pg.js": 'import "pg-that-is-not-installed";',
    "esm/cli/main.js": `#!/usr/bin/env node
import { Command } from "commander";
import { name } from "../errors.js";
import { bar } from "./bar.js";
export const load = () => import("../driver/pg.js");
new Command().action(async () => console.log(name, typeof (await bar()))).parse();`,
    "esm/cli/bar.js": 'export const bar = async () => (await import("cli-progress")).default.SingleBar;',
  });
  await buildCommand(repository, out);
  const file = join(out, "bin/onetrip.js");
  const text = readFileSync(file, "utf8");
  expect(text).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(text).toContain('"../esm/errors.js"');
  expect(text).toContain('import("../esm/driver/pg.js")');
  expect(text).not.toMatch(/from ?"(commander|cli-progress)"/);
  expect(statSync(file).mode & 0o111).toBe(0o111);
  expect(existsSync(join(out, "esm/cli"))).toBe(false);
  expect(execFileSync(process.execPath, [file], { encoding: "utf8" })).toBe("the library function\n");

  const notices = readFileSync(join(out, noticesFile), "utf8");
  expect(notices).toMatch(/^--- commander \d/m);
  expect(notices).toMatch(/^--- cli-progress \d/m);
});

test("the published package.json names the program, and installs nothing for it", () => {
  const published = publishedManifest(readManifest(repository), ["esm", "bin"]);
  expect(published["bin"]).toEqual({ onetrip: "./bin/onetrip.js" });
  expect(Object.keys(published["peerDependencies"] ?? {})).not.toContain("commander");
});
