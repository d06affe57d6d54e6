import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type FolderLock, lockFolder, lockName } from "../../src/cli/folder-lock.ts";

/** What `npm start` keeps between runs, in one folder that git ignores. */
export interface StateFolder extends FolderLock {
  readonly path: string;
  /** Deletes everything in it. */
  wipe(): void;
}

/** Takes the folder for this process. Another process's pid when it is taken. */
export function takeStateFolder(path: string): StateFolder | { readonly takenBy: number } {
  const lock = lockFolder(path);
  if ("takenBy" in lock) return lock;
  return {
    ...lock,
    path,
    wipe() {
      for (const name of readdirSync(path)) {
        if (name !== lockName) rmSync(join(path, name), { recursive: true, force: true });
      }
    },
  };
}
