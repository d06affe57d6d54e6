import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { filesUnder } from "../check/files.ts";
import { command, type Entry, moduleFolder } from "./manifest.ts";

/** What is wrong with the files of an assembled package: things that are missing, and things that should not be there. */
export function contentProblems(root: string, out: string, entries: readonly Entry[]): readonly string[] {
  const places = [resolve(root), resolve(out), homedir()].filter((place) => place.length > 1);
  return [
    ...entries.flatMap(({ name, module }) =>
      [module, module.replace(/\.js$/, ".d.ts")]
        .filter((file) => !existsSync(join(out, file)))
        .map((file) => `${file} is missing, and package.json exports it as ${name}`),
    ),
    ...filesUnder(out, "").flatMap((file) => deadLinks(out, file)),
    ...filesUnder(out, "").flatMap((file) => fileProblems(file, readFileSync(join(out, file), "utf8"), places)),
  ];
}

/** A document may link to others, which then are in the package too. */
function deadLinks(out: string, file: string): readonly string[] {
  if (!file.endsWith(".md")) return [];
  const links = [...readFileSync(join(out, file), "utf8").matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(
    ([, target = ""]) => target,
  );
  return links
    .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(out, dirname(file), target)))
    .map((target) => `${file} links to ${target}, which is not in the package`);
}

function fileProblems(file: string, text: string, places: readonly string[]): readonly string[] {
  const problems: string[] = [];
  if (/(^|\/)(test|tests|fixtures)\/|\.test\./.test(file)) problems.push(`${file} is a test; keep it out of src/`);
  const found =
    file.startsWith(moduleFolder) || file === command.file ? places.find((place) => text.includes(place)) : undefined;
  if (found !== undefined) problems.push(`${file} contains ${found}, a place on this machine`);
  if (file.endsWith(".map") && !isSelfContained(JSON.parse(text))) {
    problems.push(`${file} does not hold its source; see inlineSources in tsconfig.build.json`);
  }
  return problems;
}

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly (string | null)[];
}

function isSelfContained({ sources, sourcesContent = [] }: SourceMap): boolean {
  return sources.every((source, index) => !source.startsWith("/") && typeof sourcesContent[index] === "string");
}
