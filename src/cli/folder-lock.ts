import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A folder that this process has to itself. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes a folder, which is made when it is missing: two processes that write to one embedded database would destroy it. Gives the
 * other process's id when it is taken. A lock whose process is gone is taken over.
 */
export function lockFolder(folder: string): FolderLock | { readonly takenBy: number } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, lockName);
  if (!tryLock(file)) {
    const owner = ownerOf(file);
    if (owner !== undefined && isAlive(owner)) return { takenBy: owner };
    rmSync(file, { force: true });
    if (!tryLock(file)) return { takenBy: ownerOf(file) ?? 0 };
  }
  return { release: () => rmSync(file, { force: true }) };
}

/** The file that holds the owner's process id. */
export const lockName = "lock";

/** Creating a file that must not exist is the one atomic step. */
function tryLock(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST") return false;
    throw error;
  }
}

function ownerOf(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}
