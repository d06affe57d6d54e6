import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../terminal/run.ts";
import type { Entry } from "./manifest.ts";

/** Entry → the names it exports, or why it could not be imported. */
export type ImportResults = Readonly<Record<string, readonly string[] | string>>;

/** Imports every entry under Node, in a project that has the package installed. */
export async function importUnderNode(project: string, entries: readonly Entry[]): Promise<ImportResults> {
  writeFileSync(join(project, "imports.js"), importsScript(entries));
  return JSON.parse(await run(process.execPath, ["imports.js"], { cwd: project }));
}

/**
 * Type-checks a file that imports every entry, as TypeScript projects resolve them: under Node and for a bundler. Our
 * declarations are checked too, those of other packages are not. Gives the compiler's messages.
 */
export async function consumerTypeProblems(
  root: string,
  project: string,
  entries: readonly Entry[],
): Promise<readonly string[]> {
  const problems: string[] = [];
  const imports = entries.map(({ name }, index) => `import * as entry${index} from "${name}";`);
  const uses = entries.map((_, index) => `void entry${index};`);
  writeFileSync(join(project, "consumer.ts"), [...imports, ...uses, ""].join("\n"));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  for (const mode of ["--module nodenext", "--module esnext --moduleResolution bundler"]) {
    const strict = "--noEmit --strict --pretty false --target es2023 --lib es2023,dom,dom.iterable";
    const args = [compiler, ...`${strict} --types node ${mode}`.split(" "), "consumer.ts"];
    const output = await run(process.execPath, args, { cwd: project }).catch(messageOf);
    problems.push(...output.split("\n").filter((line) => /(node_modules\/onetrip\/|consumer\.ts)/.test(line)));
  }
  return problems;
}

function importsScript(entries: readonly Entry[]): string {
  return `
const results = {};
for (const name of ${JSON.stringify(entries.map(({ name }) => name))}) {
  results[name] = await import(name).then((module) => Object.keys(module).sort(), (error) => String(error));
}
console.log(JSON.stringify(results));
process.exit();
`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
