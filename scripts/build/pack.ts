import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "../terminal/run.ts";
import { peerRanges } from "./packages.ts";

/** What `npm pack` would upload. Sizes in bytes. */
export interface Tarball {
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

/** What `npm pack --dry-run` says of the assembled package. */
export async function dryPack(out: string): Promise<Tarball> {
  return firstOf(await run("npm", ["pack", "--dry-run", "--json"], { cwd: out }));
}

/**
 * A temporary project that has the packed package and its peers installed, as a user's would.
 *
 * @param use is given the folder, which is removed afterwards.
 */
export async function withInstalled<T>(root: string, out: string, use: (project: string) => Promise<T>): Promise<T> {
  const project = mkdtempSync(join(tmpdir(), "onetrip-project-"));
  try {
    const modules = join(project, "node_modules");
    mkdirSync(modules);
    await run("npm", ["pack", "--silent", "--pack-destination", project], { cwd: out });
    const tarball = readdirSync(project).find((name) => name.endsWith(".tgz")) ?? "no tarball";
    await run("tar", ["-xzf", join(project, tarball), "-C", modules], { cwd: project });
    renameSync(join(modules, "package"), join(modules, "onetrip"));
    for (const name of [...Object.keys(peerRanges), "@types/node", "@types/pg"]) {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(join(root, "node_modules", name), join(modules, name), "dir");
    }
    writeFileSync(join(project, "package.json"), '{ "type": "module", "private": true }\n');
    return await use(project);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/** npm answers with a list of packages, newer versions with an object of them by name. */
function firstOf(json: string): Tarball {
  const answer: readonly Tarball[] | Readonly<Record<string, Tarball>> = JSON.parse(json);
  const [tarball] = Object.values(answer);
  if (!tarball) throw new Error("npm pack: no package in its answer; run it by hand in the folder");
  return tarball;
}
