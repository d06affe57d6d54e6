import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { fixtureTree } from "./fixture-tree.ts";

const repository = join(import.meta.dirname, "../..");
const program = `node-${process.platform}-${process.arch}/bin/node`;
const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));

/** Runs what npm runs after an install, in a folder that has these files beside the script. Gives the link. */
async function linkAfter(files: Readonly<Record<string, string>>, link?: string): Promise<string | undefined> {
  const root = fixtureTree(files);
  const at = join(root, "node_modules/.bin/node");
  mkdirSync(dirname(at), { recursive: true });
  if (link !== undefined) symlinkSync(link, at);
  cpSync(join(repository, "scripts/link-node.mjs"), join(root, "scripts/link-node.mjs"));
  await promisify(execFile)("sh", ["-c", scripts.postinstall], { cwd: root });
  return existsSync(at) ? readlinkSync(at) : undefined;
}

test("the link that npm 10 has taken away is there again", async () => {
  expect(await linkAfter({ [`node_modules/${program}`]: "" })).toBe(`../${program}`);
  expect(await linkAfter({ [`node_modules/${program}`]: "" }, "../nowhere")).toBe(`../${program}`);
});

test("a link that leads somewhere stays", async () => {
  const files = { [`node_modules/${program}`]: "", "node_modules/another": "" };
  expect(await linkAfter(files, "../another")).toBe("../another");
});

test("without the package there is no link, and no error", async () => {
  expect(await linkAfter({ "node_modules/node-plan9-mips/bin/node": "" })).toBeUndefined();
});

test("an install without the rest of the repository goes on", async () => {
  const root = fixtureTree({ "package.json": "{}" });
  await promisify(execFile)("sh", ["-c", scripts.postinstall], { cwd: root });
});
