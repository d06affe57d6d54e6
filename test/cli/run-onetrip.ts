import { spawn } from "node:child_process";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { runCommandLine } from "../../src/cli/command-line.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Runs the command line as a process of its own, to its end. `DATABASE_URL` and tokens of the developer's shell stay outside. */
export function runOnetrip(args: readonly string[], { input = "", env = {} }: RunOptions = {}): Promise<Run> {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env["PATH"], ...env } });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      text[name] += chunk;
    });
  }
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve({ code, ...text }));
  });
}

/** The same in this process: quicker, for what is decided by the arguments and the input. */
export async function runHere(args: readonly string[], { input = "", env = {} }: RunOptions = {}): Promise<Run> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const { signal } = new AbortController();
  const code = await runCommandLine(args, { stdin: Readable.from([input]), stdout, stderr, env, signal });
  const text = (stream: PassThrough) => String(stream.read() ?? "");
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** The one line of JSON on stdout. */
export function jsonOf<T>({ stdout }: Run): T {
  const lines = stdout.trimEnd().split("\n");
  if (lines.length !== 1) throw new Error(`expected one line, got ${lines.length}`);
  return JSON.parse(lines[0] ?? "") as T;
}

/** A text without what differs from run to run: ports, times, names of databases, versions. */
export function settled(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replace(/test_[0-9a-f]{16}/g, "DATABASE")
    .replace(/\b\d+(\.\d+)? ms\b/g, "N ms")
    .replace(/PostgreSQL \d+(\.\d+)?/g, "PostgreSQL N")
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "YYYY-MM-DDTHH:MM:SSZ")
    .replace(/\bin \d+\.\d s\b/g, "in N s");
}
