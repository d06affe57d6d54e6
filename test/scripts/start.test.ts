import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** A checkout of its own, so that a developer's `.onetrip` stays as it is. */
let checkout: string;

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), "onetrip-start-"));
  for (const name of ["src", "worker", "scripts", "package.json", "wrangler.toml", "tsconfig.json"]) {
    cpSync(join(root, name), join(checkout, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
});
afterAll(() => rmSync(checkout, { recursive: true, force: true }));

interface Started {
  readonly process: ChildProcess;
  /** Everything it has written so far. */
  output(): string;
  /** The lines to paste. */
  readonly commands: readonly string[];
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

function start(...args: string[]): Promise<Started> {
  return startBy([process.execPath, "scripts/start.ts"], ...args);
}

async function startBy([program = "", ...before]: readonly string[], ...args: string[]): Promise<Started> {
  const child = spawn(program, [...before, "--port", "0", ...args], { cwd: checkout });
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      text += chunk;
    });
  }
  const ready = new Promise<void>((resolve) => {
    child.stdout.on("data", () => {
      if (text.includes("Ctrl+C stops it.")) resolve();
    });
  });
  await Promise.race([ready, exited]);
  return {
    process: child,
    output: () => text,
    commands: text.split("\n").filter((line) => line.startsWith("  curl ")),
    stop(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

async function paste(command: string): Promise<unknown> {
  const { stdout } = await run("bash", ["-c", command.replace("curl ", "curl -sS ")], { cwd: checkout });
  expect(stdout.endsWith("\n")).toBe(true);
  return JSON.parse(stdout);
}

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const { stdout } = await run("ps", ["-e", "-o", "pid=,ppid=,stat="]);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return lines.filter(([, parent]) => Number(parent) === pid).map(([child]) => Number(child));
}

async function descendantsOf(pid: number | undefined): Promise<number[]> {
  const children = await childrenOf(pid);
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}

/** Whether a process still does anything: one that waits to be reaped does not. */
async function isRunning(pid: number): Promise<boolean> {
  const { stdout } = await run("ps", ["-o", "stat=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

describe("npm start", { timeout: 60_000 }, () => {
  it("prints commands that work as they are, keeps the data, and leaves no process behind", async () => {
    const first = await start();
    expect(first.output()).toMatch(/Ready in \d+\.\d s: http:\/\/127\.0\.0\.1:\d+\n/);
    const [save, load, push, pull] = first.commands;
    expect(first.commands).toHaveLength(4);

    expect(await paste(save ?? "")).toEqual({ profile_id: "ada", revision: 1 });
    expect(await paste(load ?? "")).toEqual({
      profile_id: "ada",
      user_id: "u1",
      likes: ["maps"],
      metadata: { revision: 1 },
    });
    expect(await paste(push ?? "")).toEqual({
      results: [{ id: 1, status: "applied", version: 1, seq: "0:1" }],
      lastMutation: 1,
      head: "0:1",
    });
    expect(await paste(pull ?? "")).toMatchObject({ changes: [{ key: "note-1", value: { text: "hello" } }] });

    for (const name of ["token", "headers", "private-key.json"]) {
      expect(statSync(join(checkout, ".onetrip", name)).mode & 0o777).toBe(0o600);
    }
    const children = await childrenOf(first.process.pid);
    expect(children.length).toBeGreaterThan(0);
    expect(await first.stop("SIGINT")).toBe(0);
    for (const child of children) await expect.poll(() => isRunning(child), { timeout: 5000 }).toBe(false);
    expect(existsSync(join(checkout, ".onetrip/lock"))).toBe(false);

    const second = await start();
    expect(await paste(second.commands[1] ?? "")).toMatchObject({ likes: ["maps"], metadata: { revision: 1 } });

    const third = await start();
    expect(await third.stop("SIGTERM")).toBe(1);
    expect(third.output()).toContain(`in use by another npm start (process ${second.process.pid})`);
    expect(await second.stop("SIGTERM")).toBe(0);

    const fourth = await start("--reset");
    expect(await paste(fourth.commands[1] ?? "")).toMatchObject({ status: 404 });
    expect(await fourth.stop("SIGTERM")).toBe(0);
  });

  it("takes over the folder of a process that is gone", async () => {
    const killed = await start();
    const children = await childrenOf(killed.process.pid);
    await killed.stop("SIGKILL");
    // Nobody is left to end these.
    for (const child of children) if (await isRunning(child)) process.kill(child, "SIGTERM");
    const next = await start();
    expect(await paste(next.commands[0] ?? "")).toMatchObject({ profile_id: "ada" });
    expect(await next.stop("SIGINT")).toBe(0);
  });

  it.each([[["npm", "start", "--"]], [["npm", "run", "onetrip", "--", "dev"]]])(
    "ends when npm is told to: %j",
    async (command) => {
      const started = await startBy(command);
      expect(existsSync(join(checkout, ".onetrip/lock"))).toBe(true);
      const below = await descendantsOf(started.process.pid);
      expect(below.length).toBeGreaterThan(0);
      await started.stop("SIGTERM");
      for (const pid of below) await expect.poll(() => isRunning(pid), { timeout: 5000 }).toBe(false);
      expect(existsSync(join(checkout, ".onetrip/lock"))).toBe(false);
    },
  );

  it.each([
    [["--bogus"], "--help"],
    [["--port", "http"], "--port"],
    [["--driver", "mysql"], "neon-http, neon-websocket, postgres, pg"],
    [["--driver", "pg"], "--database"],
    [["--database", "mysql://host/db"], "postgresql://"],
  ])("says what to do about %j", async (args, hint) => {
    const started = await start(...args);
    expect(await started.stop("SIGTERM")).toBe(2);
    expect(started.output()).toContain(hint);
  });

  it("says that a server does not answer, without its password", async () => {
    const started = await start("--database", "postgresql://user:hunter2@127.0.0.1:1/db");
    expect(await started.stop("SIGTERM")).toBe(1);
    expect(started.output()).toContain("Check that the server is up");
    expect(started.output()).not.toContain("hunter2");
  });
});
