#!/usr/bin/env node
import { runCommandLine } from "./command-line.ts";
import { exitCodes } from "./exit-codes.ts";

const interrupted = new AbortController();
let firstAskedAt: number | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    firstAskedAt ??= performance.now();
    // Whoever asks twice does not want to wait for a tidy end. npm repeats at once what the terminal has sent already.
    if (performance.now() - firstAskedAt > 500) process.exit(exitCodes.interrupted);
    interrupted.abort();
  });
}
// `onetrip export … | head` closes the pipe, and that is fine.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : exitCodes.bug));

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupted.signal,
});
