import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./finding.ts";

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * The root package.json and what the documents say of it: exact pins, a reason for every dependency in ARCHITECTURE.md,
 * an existing script for every `npm run …` in README.md.
 */
export function checkPackageJson(root: string): readonly Finding[] {
  const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
  return [
    ...versions.flatMap(([name, version]) => unpinned(name, version)),
    ...unexplained(root, versions),
    ...unknownScripts(root, manifest.scripts),
  ];
}

function unpinned(name: string, version: string): readonly Finding[] {
  if (/^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) return [];
  return [{ file: "package.json", what: `${name} is "${version}"; pin one exact version` }];
}

function unexplained(root: string, versions: readonly (readonly [string, string])[]): readonly Finding[] {
  const text = readText(root, "ARCHITECTURE.md");
  if (text === undefined) return [{ file: "ARCHITECTURE.md", what: "does not exist" }];
  return versions
    .filter(([name]) => !new RegExp(`(?<![\\w@/-])${name}(?![\\w/-])`).test(text))
    .map(([name]) => ({ file: "ARCHITECTURE.md", what: `says nothing of ${name}; what would we write without it?` }));
}

function unknownScripts(root: string, scripts: Manifest["scripts"]): readonly Finding[] {
  const text = readText(root, "README.md");
  if (text === undefined) return [{ file: "README.md", what: "does not exist" }];
  const findings: Finding[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    for (const [, run, short] of line.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)) {
      const name = run ?? short ?? "";
      if (Object.hasOwn(scripts, name)) continue;
      findings.push({
        file: "README.md",
        line: index + 1,
        what: `names the npm script "${name}", which does not exist`,
      });
    }
  }
  return findings;
}

function readText(root: string, file: string): string | undefined {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
