import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatFinding } from "../../scripts/check/finding.ts";
import { checkWords } from "../../scripts/check/words.ts";
import { fixtureTree } from "./fixture-tree.ts";

test.each([
  ["src/a.ts", "const folder = '/work/main';"],
  ["docs/a.md", "see /root/.npmrc"],
  ["README.md", "cd /home/ada/onetrip"],
  ["README.md", "cd /Users/ada/onetrip"],
  [".npmrc", "registry=https://registry.npmjs.org/"],
  ["package-lock.json", '      "resolved": "https://example.org/a.tgz",'],
  ["src/a.ts", "// TODO: rename"],
  ["migrations/a.sql", "-- FIXME"],
])("in %s, the line %s is refused", (file, line) => {
  const found = checkWords(fixtureTree({ [file]: `first\n${line}\n` })).map(formatFinding);
  expect(found).toEqual([expect.stringContaining(`${file}:2 holds "`)]);
});

test("what only looks like one of them passes", () => {
  const files = {
    "a.ts": "import './test/work/a.ts'; // .github/workflows, ~/.onetrip/root/x, todo list, https://a.b/home/page/",
    "manifest.json": '"resolved": true',
    "image.png": "\0 TODO",
  };
  expect(checkWords(fixtureTree(files))).toEqual([]);
});

test("in a git checkout, files that git ignores are not read and new files are", () => {
  const root = fixtureTree({ ".gitignore": "ignored/\n", "ignored/a.ts": "// TODO", "kept/a.ts": "// TODO" });
  execFileSync("git", ["init", "--quiet"], { cwd: root });
  writeFileSync(join(root, "b.ts"), "// TODO");
  expect(checkWords(root).map(({ file }) => file)).toEqual(["b.ts", "kept/a.ts"]);
});
