import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toModuleSpecifiers } from "../../scripts/build/assemble.ts";
import { bundleEntry } from "../../scripts/build/bundle.ts";
import { contentProblems } from "../../scripts/build/contents.ts";
import { leaksOf } from "../../scripts/build/leaks.ts";
import {
  type Entry,
  entriesOf,
  missingEntries,
  publishedManifest,
  readManifest,
} from "../../scripts/build/manifest.ts";
import { peerRanges, type SubpathRule, subpathRules } from "../../scripts/build/packages.ts";
import { fixtureTree } from "./fixture-tree.ts";

const repository = join(import.meta.dirname, "../..");
const manifest = readManifest(repository);

describe("the published package.json", () => {
  const published = publishedManifest(manifest, ["esm", "README.md"]);

  test("exports every subpath of the root, types first", () => {
    expect(published["exports"]).toMatchObject({
      ".": { types: "./esm/index.d.ts", default: "./esm/index.js" },
      "./pg": { types: "./esm/driver/pg.d.ts", default: "./esm/driver/pg.js" },
    });
    expect(Object.keys(published["exports"] ?? {})).toEqual([...Object.keys(manifest.exports), "./package.json"]);
  });

  test("installs nothing by itself: every peer is optional and has a range", () => {
    expect(published).not.toHaveProperty("dependencies");
    expect(published).not.toHaveProperty("devDependencies");
    expect(published).not.toHaveProperty("scripts");
    expect(published).not.toHaveProperty("private");
    expect(Object.keys(published["peerDependencies"] ?? {})).toEqual(Object.keys(peerRanges));
    for (const name of Object.keys(peerRanges)) {
      expect(published["peerDependencies"]).toHaveProperty([name], expect.stringMatching(/^[~^]\d+\.\d+\.\d+$/));
      expect(published["peerDependenciesMeta"]).toHaveProperty([name], { optional: true });
    }
  });

  test("an entry outside src is refused", () => {
    expect(() => entriesOf({ ...manifest, exports: { ".": "./worker/a.ts" } })).toThrow(/must be a \.ts file in src/);
  });

  test("an entry whose file does not exist is named", () => {
    const root = fixtureTree({
      "package.json": JSON.stringify({ name: "onetrip", exports: { "./pg": "./src/pg.ts" } }),
    });
    expect(missingEntries(root)).toEqual([expect.stringContaining("src/pg.ts does not exist")]);
  });

  test("every subpath has a row that says what it may pull in", () => {
    expect(Object.keys(subpathRules)).toEqual(Object.keys(manifest.exports));
    const pulledIn = Object.values(subpathRules)
      .flatMap(({ packages }) => packages)
      .filter((name) => !name.startsWith("node:"));
    expect(Object.keys(peerRanges)).toEqual(expect.arrayContaining(pulledIn));
  });
});

describe("declarations", () => {
  test("name modules, not sources, in every kind of import", () => {
    const before = `import type { A } from "./a.ts"; export * from '../b.ts'; type C = import("./c/d.ts").D; import "./e.ts";`;
    const after = `import type { A } from "./a.js"; export * from '../b.js'; type C = import("./c/d.js").D; import "./e.js";`;
    expect(toModuleSpecifiers(before)).toBe(after);
  });

  test("keep the names of packages", () => {
    expect(toModuleSpecifiers(`import { x } from "some.ts"; import y from "@a/b.ts";`)).toContain(`"some.ts"`);
  });
});

describe("the leak check", () => {
  const entry: Entry = { subpath: ".", name: "onetrip", source: "src/index.ts", module: "./esm/index.js" };

  async function leaks(text: string, rule: Partial<SubpathRule> = {}): Promise<readonly string[]> {
    const out = fixtureTree({ "esm/index.js": 'export * from "./a.js";', "esm/a.js": text });
    symlinkSync(join(repository, "node_modules"), join(out, "node_modules"), "dir");
    return leaksOf((await bundleEntry(entry, { root: repository, out })).metafile, {
      packages: [],
      runtime: "any",
      ...rule,
    });
  }

  test.each([
    ['import pg from "pg"; export { pg };', "esm/a.js → pg (import-statement)"],
    ['export const load = () => import("postgres");', "esm/a.js → postgres (dynamic-import)"],
    ['export { Hono } from "hono/tiny";', "esm/a.js → hono (import-statement)"],
    ['import { readFileSync } from "node:fs"; export { readFileSync };', "esm/a.js → node:fs (import-statement)"],
    ['import { Buffer } from "buffer"; export { Buffer };', "esm/a.js → node:buffer (import-statement)"],
    ['import "cloudflare:sockets"; export {};', "esm/a.js → cloudflare:sockets (import-statement)"],
  ])("%s is found", async (text, leak) => {
    expect(await leaks(text)).toEqual([leak]);
  });

  test("a package that belongs to the subpath may bring its own", async () => {
    expect(await leaks('import pg from "pg"; export { pg };', { packages: ["pg"] })).toEqual([]);
  });

  test("a subpath for Node alone may import its modules, and still no package but its own", async () => {
    const text = 'import { readFileSync } from "node:fs"; import pg from "pg"; export { pg, readFileSync };';
    expect(await leaks(text, { runtime: "node" })).toEqual(["esm/a.js → pg (import-statement)"]);
  });
});

describe("the contents check", () => {
  const entry: Entry = { subpath: ".", name: "onetrip", source: "src/index.ts", module: "./esm/index.js" };
  const sound = {
    "esm/index.js": "",
    "esm/index.d.ts": "",
    "esm/index.js.map": JSON.stringify({ sources: ["index.ts"], sourcesContent: [""] }),
    "migrations/a.sql": "",
    "README.md": "[what is there](docs/guide.md#part)",
    "docs/guide.md": "",
  };

  function problems(changes: Readonly<Record<string, string>>): readonly string[] {
    return contentProblems(repository, fixtureTree({ ...sound, ...changes }), [entry]);
  }

  test("passes a sound package", () => {
    expect(problems({})).toEqual([]);
  });

  test.each([
    ["a test", { "esm/a.test.js": "" }, "esm/a.test.js is a test"],
    ["a folder of tests", { "esm/test/a.js": "" }, "esm/test/a.js is a test"],
    ["a place on this machine", { "esm/a.js": `// ${repository}/src/a.ts` }, "a place on this machine"],
    [
      "a link that leads out of it",
      { "README.md": "[a](GUIDE.md#b) [c](#d) [e](https://e.example/f.md)" },
      "links to GUIDE.md,",
    ],
    ["a map without its source", { "esm/a.js.map": '{ "sources": ["a.ts"] }' }, "does not hold its source"],
  ])("finds %s", (_, changes, problem) => {
    expect(problems(changes)).toEqual([expect.stringContaining(problem)]);
  });

  test("finds an export without its file", () => {
    expect(contentProblems(repository, fixtureTree({ "esm/index.js": "" }), [entry])).toEqual([
      "./esm/index.d.ts is missing, and package.json exports it as onetrip",
    ]);
  });
});
