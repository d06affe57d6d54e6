import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryFiles } from "./files.ts";
import type { Finding } from "./finding.ts";

interface Rule {
  readonly pattern: RegExp;
  readonly what: string;
  /** Only in files of this name. Default: in all. */
  readonly only?: string;
}

const rules: readonly Rule[] = [
  { pattern: /(?<![\w.-])\/(?:work|root)\//, what: "a path of one machine" },
  { pattern: /(?<![\w.-])\/(?:home|Users)\/[a-z][\w-]*\//, what: "a path of one machine" },
  { pattern: /\bregistry\.(?:npmjs\.org|yarnpkg\.com)|\bnpm\.pkg\.github\.com/, what: "the address of a registry" },
  { pattern: /"resolved":/, what: "the address of a registry; see .npmrc", only: "package-lock.json" },
  { pattern: /\b(?:TODO|FIXME)\b/, what: "a note to come back; do it now, or describe the limit as it is" },
];

/** Where these words stand because they are the subject. */
const exempt: readonly string[] = ["scripts/check/words.ts", "test/scripts/words.test.ts"];

/** Words that have no place in a committed file: paths of one machine, addresses of registries, notes to come back. */
export function checkWords(root: string): readonly Finding[] {
  return repositoryFiles(root)
    .filter((file) => !exempt.includes(file))
    .flatMap((file) => findingsOf(file, readFileSync(join(root, file), "utf8")));
}

function findingsOf(file: string, text: string): readonly Finding[] {
  if (text.includes("\0")) return [];
  const applicable = rules.filter(({ only }) => only === undefined || only === file);
  if (!applicable.some(({ pattern }) => pattern.test(text))) return [];
  return text.split("\n").flatMap((line, index) =>
    applicable.flatMap(({ pattern, what }) => {
      const found = pattern.exec(line);
      return found ? [{ file, line: index + 1, what: `holds "${found[0]}", ${what}` }] : [];
    }),
  );
}
