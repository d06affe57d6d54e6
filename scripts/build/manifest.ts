import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { peerRanges } from "./packages.ts";

/** The part of the root package.json that the build reads. */
export interface RootManifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** One public subpath and its files. */
export interface Entry {
  /** As in `exports`: `.`, `./pg`. */
  readonly subpath: string;
  /** As people import it: `onetrip`, `onetrip/pg`. */
  readonly name: string;
  /** TypeScript, from the root of the repository. */
  readonly source: string;
  /** JavaScript, from the root of the published package. */
  readonly module: string;
}

/** The folder of the published package that holds the modules. */
export const moduleFolder = "esm";

/** The program of the published package. */
export const command: { readonly name: string; readonly file: string } = { name: "onetrip", file: "bin/onetrip.js" };

export function readManifest(root: string): RootManifest {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}

/** The public subpaths, from the `exports` of the root package: the one place that lists them. */
export function entriesOf(manifest: RootManifest): readonly Entry[] {
  return Object.entries(manifest.exports).map(([subpath, file]) => {
    const source = posix.join(file);
    if (!/^src\/.+\.ts$/.test(source))
      throw new Error(`package.json: exports["${subpath}"] must be a .ts file in src/`);
    const module = `./${moduleFolder}/${source.slice("src/".length).replace(/\.ts$/, ".js")}`;
    return { subpath, name: posix.join(manifest.name, subpath), source, module };
  });
}

/** The entries whose source exists. */
export function presentEntries(root: string): readonly Entry[] {
  return entriesOf(readManifest(root)).filter(({ source }) => existsSync(join(root, source)));
}

/** The entries whose source does not exist, one line each. */
export function missingEntries(root: string): readonly string[] {
  return entriesOf(readManifest(root))
    .filter(({ source }) => !existsSync(join(root, source)))
    .map(({ name, source }) => `${source} does not exist, and package.json exports it as ${name}`);
}

/**
 * The package.json that is published: no scripts, no pins, nothing to install but what the user picks.
 *
 * @param files what goes into the tarball beside package.json, README and LICENSE.
 */
export function publishedManifest(manifest: RootManifest, files: readonly string[]): Readonly<Record<string, unknown>> {
  const kept = ["version", "description", "keywords", "license", "author", "homepage", "repository", "bugs"];
  const peers = Object.keys(peerRanges);
  return {
    name: manifest.name,
    ...Object.fromEntries(kept.filter((field) => field in manifest).map((field) => [field, manifest[field]])),
    type: "module",
    sideEffects: false,
    exports: {
      ...Object.fromEntries(entriesOf(manifest).map(({ subpath, module }) => [subpath, conditionsOf(module)])),
      "./package.json": "./package.json",
    },
    bin: { [command.name]: `./${command.file}` },
    files,
    engines: manifest["engines"],
    peerDependencies: Object.fromEntries(peers.map((name) => [name, peerRange(manifest, name)])),
    peerDependenciesMeta: Object.fromEntries(peers.map((name) => [name, { optional: true }])),
  };
}

/** `types` comes first, or TypeScript never gets to it. */
function conditionsOf(module: string): Readonly<Record<string, string>> {
  return { types: module.replace(/\.js$/, ".d.ts"), default: module };
}

function peerRange(manifest: RootManifest, name: string): string {
  const pinned = manifest.devDependencies[name];
  if (pinned === undefined) throw new Error(`package.json: devDependencies lacks ${name}, which is a peer`);
  const range = peerRanges[name];
  return range === undefined || range === "pinned" ? `^${pinned}` : range;
}
