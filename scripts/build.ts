import { join } from "node:path";
import { assemble } from "./build/assemble.ts";
import { bundleEntry } from "./build/bundle.ts";
import { consumerTypeProblems, type ImportResults, importUnderNode } from "./build/consumer.ts";
import { presentEntries } from "./build/manifest.ts";
import { dryPack, withInstalled } from "./build/pack.ts";
import { packageProblems, portableEntries, subpathSizes } from "./build/verify.ts";
import { importInsideWorkerd } from "./build/workerd.ts";
import { step } from "./terminal/step.ts";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");
const entries = presentEntries(root);

const assembled = await step("dist/ assembled", async () => {
  await assemble(root, out);
  return [];
});
if (assembled) {
  await step("contents, publint, no package where it does not belong", () => packageProblems(root, out));
  await withInstalled(root, out, async (project) => {
    await step("every entry imports under Node", async () => importProblems(await importUnderNode(project, entries)));
    await step("every entry type-checks in a project of its own", () => consumerTypeProblems(root, project, entries));
  });
  await step("every entry imports inside workerd", async () =>
    importProblems(await importInsideWorkerd(root, await bundles())),
  );
  await printSizes();
}

async function bundles(): Promise<ReadonlyMap<string, string>> {
  const code = new Map<string, string>();
  for (const entry of portableEntries(root)) {
    code.set(entry.name, (await bundleEntry(entry, { root, out })).code);
  }
  return code;
}

function importProblems(results: ImportResults): readonly string[] {
  return Object.entries(results).flatMap(([name, exported]) => {
    if (typeof exported === "string") return [`${name} cannot be imported: ${exported}`];
    return exported.length === 0 ? [`${name} exports nothing`] : [];
  });
}

async function printSizes(): Promise<void> {
  const { size, unpackedSize, entryCount } = await dryPack(out);
  console.log(`\n  tarball ${kilobytes(size)}, unpacked ${kilobytes(unpackedSize)}, ${entryCount} files`);
  console.log(`\n  ${"minified, gzip".padEnd(26)}${"own code".padStart(10)}${"with its package".padStart(20)}`);
  for (const { name, ownBytes, totalBytes } of await subpathSizes(root, out)) {
    console.log(`  ${name.padEnd(26)}${kilobytes(ownBytes).padStart(10)}${kilobytes(totalBytes).padStart(20)}`);
  }
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
