import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";
import { packageOf } from "../check/imports.ts";
import { command, moduleFolder } from "./manifest.ts";

/** Where what is bundled into it is named, with its licences. */
export const noticesFile = "bin/LICENSES.txt";

/** Packages that are bundled into the program, so that installing onetrip installs nothing else. */
const bundled: readonly string[] = ["commander", "cli-progress"];

/**
 * Bundles the compiled command line into one file, and takes its modules out of the package: nobody imports them. What it uses
 * of the library it imports from the package's own modules, and drivers from wherever the user installed them.
 */
export async function buildCommand(root: string, out: string): Promise<void> {
  const source = join(out, moduleFolder, "cli");
  const { outputFiles, metafile } = await build({
    entryPoints: [join(source, "main.js")],
    outfile: join(out, command.file),
    absWorkingDir: root,
    nodePaths: [join(root, "node_modules")],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node22",
    minifyWhitespace: true,
    legalComments: "none",
    // What is bundled of CommonJS asks for Node's modules by require.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
    plugins: [leaveOutside(source, join(out, dirname(command.file)))],
    logLevel: "silent",
  });
  mkdirSync(join(out, dirname(command.file)), { recursive: true });
  for (const { path, text } of outputFiles) writeFileSync(path, text);
  chmodSync(join(out, command.file), 0o755);
  writeFileSync(join(out, noticesFile), notices(root, metafile));
  rmSync(source, { recursive: true });
}

/** The library's modules stay where they are, and every package but the bundled ones and what these need. */
function leaveOutside(source: string, bin: string): Plugin {
  return {
    name: "leave-outside",
    setup({ onResolve }) {
      onResolve({ filter: /.*/ }, ({ path, resolveDir, kind }) => {
        if (kind === "entry-point" || !resolveDir.startsWith(source)) return undefined;
        if (path.startsWith(".")) {
          const file = join(resolveDir, path);
          return file.startsWith(`${source}/`) ? undefined : { path: relative(bin, file), external: true };
        }
        return isBuiltin(path) || !bundled.includes(packageOf(path)) ? { path, external: true } : undefined;
      });
    },
  };
}

function notices(root: string, { inputs }: Metafile): string {
  const names = Object.keys(inputs).flatMap(
    (file) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? [],
  );
  const texts = [...new Set(names)].sort().map((name) => notice(join(root, "node_modules", name)));
  return `bin/onetrip.js holds these packages.\n\n${texts.join("\n\n")}\n`;
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = ["LICENSE", "LICENSE.md", "license", "LICENSE-MIT.txt"].find((one) => isReadable(join(folder, one)));
  if (file === undefined) throw new Error(`${name}: no licence found, and its text must go with the program`);
  return `--- ${name} ${version}, ${license}\n\n${readFileSync(join(folder, file), "utf8").trim()}`;
}

function isReadable(file: string): boolean {
  try {
    return readFileSync(file).length > 0;
  } catch {
    return false;
  }
}
