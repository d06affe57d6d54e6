import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesUnder } from "../check/files.ts";
import { run } from "../terminal/run.ts";
import { buildCommand } from "./command.ts";
import { command, moduleFolder, publishedManifest, readManifest } from "./manifest.ts";

/** What is copied as it is, where it is there. `migrations` is for people who apply SQL with a tool of their own. */
const copied = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "migrations"];

/**
 * Writes the publishable package into `out`, which is emptied first: modules, types, maps with the source inside, the program,
 * package.json and documents.
 *
 * @throws Error with the compiler's messages.
 */
export async function assemble(root: string, out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const args = [compiler, "-p", "tsconfig.build.json", "--outDir", join(out, moduleFolder), "--pretty", "false"];
  await run(process.execPath, args, { cwd: root });
  rewriteTypeImports(out);
  await buildCommand(root, out);
  const present = copied.filter((name) => existsSync(join(root, name)));
  for (const name of present) cpSync(join(root, name), join(out, name), { recursive: true });
  const manifest = publishedManifest(readManifest(root), [moduleFolder, dirname(command.file), ...present]);
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/** The compiler rewrites `./x.ts` in modules but not in declarations, where only TypeScript itself understands it. */
export function toModuleSpecifiers(declarations: string): string {
  return declarations.replaceAll(/(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.{1,2}\/[^"']+)\.ts\2/g, "$1$2$3.js$2");
}

function rewriteTypeImports(out: string): void {
  for (const file of filesUnder(out, moduleFolder).filter((name) => name.endsWith(".d.ts"))) {
    writeFileSync(join(out, file), toModuleSpecifiers(readFileSync(join(out, file), "utf8")));
  }
}
