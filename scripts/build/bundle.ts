import { builtinModules } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import type { Entry } from "./manifest.ts";

/** An entry, bundled as it would be for Cloudflare Workers. */
export interface Bundle {
  readonly code: string;
  readonly metafile: Metafile;
}

export interface BundleOptions {
  /** The root of the repository, whose node_modules holds the peers. */
  readonly root: string;
  /** The folder of the assembled package. */
  readonly out: string;
  /** `external` leaves npm packages out. Default `bundle`. */
  readonly packages?: "bundle" | "external";
  readonly minify?: boolean;
}

/** Bundles one entry of the assembled package. Modules of the runtime stay imports. @throws esbuild's BuildFailure. */
export async function bundleEntry(entry: Entry, { root, out, packages, minify }: BundleOptions): Promise<Bundle> {
  const options = {
    entryPoints: [join(out, entry.module)],
    absWorkingDir: out,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    nodePaths: [join(root, "node_modules")],
    packages: packages ?? "bundle",
    minify: minify ?? false,
    plugins: [runtimeModules],
    logLevel: "silent",
  } satisfies BuildOptions;
  const { outputFiles, metafile } = await build(options);
  return { code: outputFiles.map((file) => file.text).join("\n"), metafile };
}

/** The size of a module as it travels, in bytes. */
export function gzipSize(code: string): number {
  return gzipSync(code, { level: 9 }).length;
}

/**
 * With `nodejs_compat`, workerd offers Node's modules under `node:` names and to imports alone, so that a `require` in a
 * CommonJS package has to become an import.
 */
const runtimeModules: Plugin = {
  name: "runtime-modules",
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(cloudflare:.*|node:.*|${builtinModules.join("|")})$`);
    onResolve({ filter }, ({ path, kind }) => {
      if (path.startsWith("cloudflare:")) return { path, external: true };
      const name = `node:${path.replace(/^node:/, "")}`;
      return kind === "require-call" ? { path: name, namespace: "required" } : { path: name, external: true };
    });
    onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({
      contents: `import value from "${path}"; module.exports = value;`,
    }));
  },
};
