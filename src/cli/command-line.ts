import { CommanderError } from "commander";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { type Explanation, explainError } from "./explain-error.ts";
import { createProgram } from "./program.ts";
import { printJson, type Terminal } from "./terminal.ts";

/**
 * Runs one command. Results go to `stdout`, everything else to `stderr`; with `--json` an error too is one line on `stdout`.
 *
 * @param args without the program's own name
 * @returns the exit status
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = createProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has said what is wrong; help and the version come this way too.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exitCodes.ok;
      const exitCode = exitCodes.usage;
      const message = error.message.replace(/^error: /, "");
      if (args.includes("--json")) printJson(terminal, { error: { exitCode, code: "usage", message } });
      return exitCode;
    }
    return report(explainError(error), error, args, terminal);
  }
}

function report(found: Explanation, error: unknown, args: readonly string[], terminal: Terminal): ExitCode {
  const { exitCode, message, next } = found;
  terminal.stderr.write(`onetrip: ${message}\n`);
  if (next !== undefined) terminal.stderr.write(`  → ${next}\n`);
  if (found.code === "usage") terminal.stderr.write(`  → onetrip ${commandOf(args)}--help\n`);
  if (found.code === "bug" && /\bonetrip\b/.test(terminal.env["NODE_DEBUG"] ?? "") && error instanceof Error) {
    terminal.stderr.write(`${error.stack}\n`);
  }
  if (args.includes("--json")) printJson(terminal, { error: found });
  return exitCode;
}

function commandOf(args: readonly string[]): string {
  return /^[a-z]+$/.test(args[0] ?? "") ? `${args[0]} ` : "";
}
