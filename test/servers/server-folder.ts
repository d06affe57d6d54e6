import { spawn } from "node:child_process";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder of one server. It does not outlive this process, and neither does the server. */
export interface ServerFolder {
  readonly path: string;
  /** Names the process that works in the folder; the one named before has ended. */
  guard(pid: number): void;
  /** Harmless twice. */
  remove(): Promise<void>;
}

/** The user that servers run as: nobody when we are root (Postgres and PgBouncer refuse root), else the current one. */
export function serverUser(): { readonly uid?: number; readonly gid?: number } {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
}

/**
 * Makes a private folder that belongs to the server user. Should this process die without removing it, even by SIGKILL, a
 * second process ends the guarded one and removes it.
 */
export async function createServerFolder(name: string): Promise<ServerFolder> {
  const path = await mkdtemp(join(tmpdir(), `onetrip-${name}-`));
  const { uid, gid } = serverUser();
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
  const watcher = spawn("sh", ["-c", watch, "sh", path], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  watcher.unref();
  watcher.stdin.on("error", () => {});
  return {
    path,
    guard: (pid) => void watcher.stdin.write(`${pid}\n`),
    async remove() {
      await rm(path, { recursive: true, force: true });
      if (!watcher.stdin.writableEnded) watcher.stdin.end("removed\n");
    },
  };
}

/**
 * Its standard input is a pipe from this process: it reads process ids, `removed`, or the end of file when this process is
 * gone. SIGQUIT is Postgres's immediate shutdown, which ends its children too.
 */
const watch = `
  while read -r line; do
    if [ "$line" = removed ]; then exit; fi
    pid=$line
  done
  if [ -n "$pid" ]; then
    kill -QUIT "$pid"
    sleep 1
    kill -KILL "$pid"
  fi
  rm -rf "$1"
`;
