import { bundleEntry, gzipSize } from "./bundle.ts";
import { contentProblems } from "./contents.ts";
import { leaksOf } from "./leaks.ts";
import { lintProblems } from "./lint-package.ts";
import { type Entry, missingEntries, presentEntries } from "./manifest.ts";
import { subpathRules } from "./packages.ts";

/** Everything about an assembled package that can be judged without running it. Gives one line per problem. */
export async function packageProblems(root: string, out: string): Promise<readonly string[]> {
  const missing = missingEntries(root);
  const entries = presentEntries(root);
  return [
    ...missing,
    ...contentProblems(root, out, entries),
    // publint would say the same of a missing entry once more.
    ...(missing.length === 0 ? await lintProblems(out) : []),
    ...(await leakProblems(root, out, entries)),
  ];
}

/** What a subpath weighs, minified and compressed, in bytes. */
export interface SubpathSize {
  readonly name: string;
  /** Without npm packages. */
  readonly ownBytes: number;
  /** With the packages that belong to it. */
  readonly totalBytes: number;
}

/** The sizes of the entries that run outside Node too. Entries that cannot be bundled are left out. */
export async function subpathSizes(root: string, out: string): Promise<readonly SubpathSize[]> {
  const sizes: SubpathSize[] = [];
  for (const entry of portableEntries(root)) {
    try {
      const own = await bundleEntry(entry, { root, out, packages: "external", minify: true });
      const total = await bundleEntry(entry, { root, out, minify: true });
      sizes.push({ name: entry.name, ownBytes: gzipSize(own.code), totalBytes: gzipSize(total.code) });
    } catch {
      // The leak check has said why.
    }
  }
  return sizes;
}

/** The entries that other runtimes than Node can use. */
export function portableEntries(root: string): readonly Entry[] {
  return presentEntries(root).filter(({ subpath }) => subpathRules[subpath]?.runtime === "any");
}

async function leakProblems(root: string, out: string, entries: readonly Entry[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const entry of entries) {
    const rule = subpathRules[entry.subpath];
    if (!rule) {
      problems.push(`${entry.name} has no row in scripts/build/packages.ts`);
      continue;
    }
    try {
      const packages = rule.runtime === "node" ? "external" : "bundle";
      const { metafile } = await bundleEntry(entry, { root, out, packages });
      problems.push(...leaksOf(metafile, rule).map((leak) => `${entry.name} pulls in what it should not: ${leak}`));
    } catch (error) {
      problems.push(`${entry.name} cannot be bundled: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return problems;
}
