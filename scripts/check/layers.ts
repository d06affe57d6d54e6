import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { filesUnder } from "./files.ts";
import type { Finding } from "./finding.ts";
import { type ImportEdge, importEdges, packageOf } from "./imports.ts";
import { isDriver, isWithin, type Layer, layers, lazyDriverImports, nodeOnly, packageOwners } from "./rules.ts";
import { parseFile } from "./syntax.ts";

/**
 * Every import in `src/` and `worker/` against the rules: imports point right, the worker knows the library by its
 * public names, each npm package has its owners, and Node's modules stay in the rooms that are for Node alone.
 */
export function checkLayers(root: string): readonly Finding[] {
  const entries = publicEntries(root);
  return [...filesUnder(root, "src"), ...filesUnder(root, "worker")].filter(isTypeScript).flatMap((file) => {
    const layer = layerOf(file);
    if (!layer) return [{ file, what: "is in no layer: move it, or give it a row in scripts/check/rules.ts" }];
    return importEdges(parseFile(root, file)).flatMap((edge) => {
      const why = refusal(file, layer, edge, entries);
      return why === undefined ? [] : [{ file, line: edge.line, what: `→ ${edge.specifier ?? "import(…)"}: ${why}` }];
    });
  });
}

/** The layer whose longest path fits the file. */
export function layerOf(file: string): Layer | undefined {
  const fits = layers.flatMap((layer) => layer.paths.map((path) => ({ layer, path })));
  return fits.filter(({ path }) => isWithin(file, [path])).sort((a, b) => b.path.length - a.path.length)[0]?.layer;
}

/** Public name → source file, from the `exports` of the root package. */
type Entries = ReadonlyMap<string, string>;

function refusal(file: string, layer: Layer, edge: ImportEdge, entries: Entries): string | undefined {
  const { specifier, kind } = edge;
  if (specifier === undefined) {
    if (isWithin(file, lazyDriverImports) || isWithin(file, nodeOnly)) return undefined;
    return "the name is computed, so neither a bundler nor this check can follow it";
  }
  if (specifier.startsWith(".")) return refusalOfFile(file, layer, posix.join(posix.dirname(file), specifier), kind);
  const entry = entries.get(specifier);
  if (layer.name === "worker" && entry !== undefined) return undefined;
  if (entry !== undefined) return refusalOfFile(file, layer, entry, kind);
  if (isBuiltin(specifier) || specifier.startsWith("cloudflare:")) {
    if (layer.name === "worker" || isWithin(file, nodeOnly)) return undefined;
    return `only worker/ and ${nodeOnly.join(", ")} know the modules of a runtime; use a web standard`;
  }
  return refusalOfPackage(file, packageOf(specifier));
}

function refusalOfFile(file: string, from: Layer, target: string, kind: ImportEdge["kind"]): string | undefined {
  const to = layerOf(target);
  if (!to) return `${target} is in no layer`;
  if (to === from) return undefined;
  if (from.name === "worker") return "the worker imports the library by its public names, `onetrip` or `onetrip/…`";
  if (from.mayImport.includes(to.name)) return undefined;
  if (isDriver(to) && kind === "dynamic" && isWithin(file, lazyDriverImports)) return undefined;
  const allowed = from.mayImport.length === 0 ? "nothing" : from.mayImport.join(", ");
  return `${from.name} may not import ${to.name}; to its right are: ${allowed}`;
}

function refusalOfPackage(file: string, name: string): string | undefined {
  const owners = Object.hasOwn(packageOwners, name) ? packageOwners[name] : undefined;
  if (!owners) return `${name} has no owner: give it a row in scripts/check/rules.ts and a line in ARCHITECTURE.md`;
  return isWithin(file, owners) ? undefined : `only ${owners.join(", ")} may import ${name}, types included`;
}

function publicEntries(root: string): Entries {
  const manifest: { name: string; exports: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  return new Map(
    Object.entries(manifest.exports).map(([subpath, file]) => [posix.join(manifest.name, subpath), posix.join(file)]),
  );
}

function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?$/.test(file);
}
