import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { type ServerFolder, serverUser } from "./server-folder.ts";

/** A server that a test run has started. */
export interface ServerProcess {
  readonly pid: number;
  /** The last 64 KiB of what it printed. */
  log(): string;
  /** Sends a signal and does not wait. Nothing happens when the server has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Sends `signal`, then SIGKILL after five seconds; removes the folder. Harmless twice. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** The server's working directory; removed when the server stops or does not start. */
  readonly folder: ServerFolder;
  /** What the server prints once it accepts connections. */
  readonly ready: RegExp;
}

/** Starts a server as the server user and waits until it is ready, at most 20 seconds. */
export async function startServerProcess(server: ServerCommand): Promise<ServerProcess> {
  const child = spawnInFolder(server.command, server.args, server.folder);
  const log = keepLog(child);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()));

  async function stop(signal: NodeJS.Signals): Promise<void> {
    child.kill(signal);
    const overdue = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(overdue);
    await server.folder.remove();
  }

  try {
    await untilReady(child, server.ready, ended);
  } catch (error) {
    await stop("SIGKILL");
    throw new Error(`${server.command} did not start: ${String(error)}\n${log()}`);
  }
  return { pid: child.pid ?? 0, log, kill: (signal) => void child.kill(signal), stop };
}

/**
 * Runs a program to its end as the server user, in a server's folder.
 * @throws an Error with the end of its output when it fails.
 */
export async function runAsServerUser(command: string, args: readonly string[], folder: ServerFolder): Promise<void> {
  const child = spawnInFolder(command, args, folder);
  const log = keepLog(child);
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}:\n${log()}`);
}

/** Whether the server user may run this program: it may be missing, or lie in a folder that is private to root. */
export function canRun(command: string): boolean {
  return spawnSync(command, ["--version"], { ...serverUser(), cwd: "/", stdio: "ignore" }).status === 0;
}

function spawnInFolder(command: string, args: readonly string[], folder: ServerFolder): ChildProcess {
  const child = spawn(command, args, {
    ...serverUser(),
    cwd: folder.path,
    // Only what a server needs: PGDATA, PGOPTIONS and their like in a developer's shell must not reach it.
    env: { PATH: process.env["PATH"], HOME: folder.path, LC_ALL: "C", TZ: "UTC" },
    // In a session of its own, so that Ctrl-C reaches only the test run, which stops its servers in order.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid !== undefined) folder.guard(child.pid);
  return child;
}

function keepLog(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-65_536);
    });
  }
  return () => text;
}

function untilReady(child: ChildProcess, ready: RegExp, ended: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const overdue = setTimeout(() => reject(new Error("not ready after 20 seconds")), 20_000);
    let seen = "";
    function look(chunk: string): void {
      seen += chunk;
      if (ready.test(seen)) settle(resolve);
    }
    function settle(outcome: () => void): void {
      clearTimeout(overdue);
      child.stdout?.off("data", look);
      child.stderr?.off("data", look);
      outcome();
    }
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.once("error", (error) => settle(() => reject(error)));
    void ended.then(() => settle(() => reject(new Error("it ended"))));
  });
}
