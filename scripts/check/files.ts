import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const generatedFolders = new Set([".git", "node_modules", "dist", "coverage", ".wrangler", ".onetrip"]);

/**
 * The files that are or would be committed, relative to `root`: what git tracks, and new files that it does not ignore.
 * Outside a git checkout: every file but those in generated folders.
 */
export function repositoryFiles(root: string): readonly string[] {
  if (!existsSync(join(root, ".git"))) return filesUnder(root, "");
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  return listed.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
}

/** Every file below `folder`, relative to `root`, sorted. A missing folder has none. */
export function filesUnder(root: string, folder: string): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (!entry.isDirectory()) return [path];
      return generatedFolders.has(entry.name) ? [] : filesUnder(root, path);
    });
}
