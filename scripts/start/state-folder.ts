import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What `npm start` keeps between runs, in one folder that git ignores. */
export interface StateFolder {
  readonly path: string;
  /** Deletes everything in it. */
  wipe(): void;
  release(): void;
}

/**
 * Takes the folder for this process: two that write to one embedded database would destroy it. Another process's pid when
 * it is taken. A lock whose process is gone is taken over.
 */
export function takeStateFolder(path: string): StateFolder | { readonly takenBy: number } {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = join(path, lockName);
  const owner = takeLock(lock) ?? (dropStaleLock(lock) ? takeLock(lock) : readOwner(lock));
  if (owner !== process.pid) return { takenBy: owner ?? 0 };

  return {
    path,
    wipe() {
      for (const name of readdirSync(path)) {
        if (name !== lockName) rmSync(join(path, name), { recursive: true, force: true });
      }
    },
    release: () => rmSync(lock, { force: true }),
  };
}

const lockName = "lock";

/** This process when the lock is now its own. Creating a file that must not exist is the one atomic step. */
function takeLock(lock: string): number | undefined {
  try {
    writeFileSync(lock, `${process.pid}\n`, { flag: "wx" });
    return process.pid;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return undefined;
    throw error;
  }
}

function dropStaleLock(lock: string): boolean {
  const owner = readOwner(lock);
  if (owner !== undefined && isAlive(owner)) return false;
  rmSync(lock, { force: true });
  return true;
}

function readOwner(lock: string): number | undefined {
  try {
    const pid = Number(readFileSync(lock, "utf8"));
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
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
