import type { Metafile } from "esbuild";
import { packageOf } from "../check/imports.ts";
import type { SubpathRule } from "./packages.ts";

/**
 * What the package's own files pull in beyond their own, from a bundle's metafile: npm packages that do not belong to the
 * subpath, and modules of a runtime. An import that only runs later counts too: a bundler puts it in, or fails over it
 * where the package is not installed.
 *
 * @returns one line per offending import, empty when there is none.
 */
export function leaksOf(metafile: Metafile, { packages, runtime }: SubpathRule): readonly string[] {
  const own = Object.entries(metafile.inputs).filter(([file]) => !isFromNpm(file) && !file.includes(":"));
  return own.flatMap(([file, { imports }]) =>
    imports.flatMap(({ path, original, external, kind }) => {
      if (!external && !isFromNpm(path)) return [];
      const imported = external ? path : packageOf(original ?? path);
      if (runtime === "node" && imported.startsWith("node:")) return [];
      return packages.includes(packageOf(imported)) ? [] : [`${file} → ${imported} (${kind})`];
    }),
  );
}

function isFromNpm(file: string): boolean {
  return /(^|\/)node_modules\//.test(file);
}
