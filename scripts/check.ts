import { join } from "node:path";
import { type Check, formatFinding } from "./check/finding.ts";
import { checkLayers } from "./check/layers.ts";
import { checkModuleState } from "./check/module-state.ts";
import { checkNames } from "./check/names.ts";
import { checkNodeGlobals } from "./check/node-globals.ts";
import { checkPackageJson } from "./check/package-json.ts";
import { packagingProblems } from "./check/packaging.ts";
import { checkWords } from "./check/words.ts";
import { embeddedFile, isEmbeddedUpToDate } from "./embed-migrations.ts";
import { run } from "./terminal/run.ts";
import { step } from "./terminal/step.ts";

const root = join(import.meta.dirname, "..");

await step("format and lint", () => tool("@biomejs/biome/bin/biome", "ci", "--colors=off", "."));
await step("types", () => tool("typescript/bin/tsc", "-p", ".", "--pretty", "false"));
await step("layers", () => lines(checkLayers));
await step("no state at module level", () => lines(checkModuleState));
await step("no globals of Node", () => lines(checkNodeGlobals));
await step("names", () => lines(checkNames));
await step("generated files", () =>
  isEmbeddedUpToDate(root) ? [] : [`${embeddedFile} is out of date: run \`npm run generate\``],
);
await step("package.json", () => lines(checkPackageJson));
await step("words", () => lines(checkWords));
await step("packaging", () => packagingProblems(root));

async function lines(check: Check): Promise<readonly string[]> {
  return (await check(root)).map(formatFinding);
}

/** A tool of node_modules that says everything itself and fails when something is wrong. */
async function tool(script: string, ...args: readonly string[]): Promise<readonly string[]> {
  await run(process.execPath, [join(root, "node_modules", script), ...args], { cwd: root });
  return [];
}
