import { Command } from "commander";
import { type DatabaseOptions, urlHelp, withDatabaseOptions } from "../command-options.ts";
import { shownUrl, takeOperands } from "../database-url.ts";
import { type Diagnosis, examine } from "../doctor/examine.ts";
import { worstLevel } from "../doctor/finding.ts";
import { reportText } from "../doctor/report-text.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { CommandContext } from "../program.ts";
import { printJson, printLines } from "../terminal.ts";

interface Options extends DatabaseOptions {
  readonly strict?: boolean;
}

export function doctorCommand({ terminal, end }: CommandContext): Command {
  const command = new Command("doctor")
    .description("Connect as a handler would, and say what it meets there and what to change.")
    .argument("[url]", urlHelp);
  return withDatabaseOptions(command, 5_000)
    .option("--strict", "count warnings as problems too")
    .addHelpText("after", () => help)
    .action(async (_url: string | undefined, options: Options, self: Command) => {
      const { url } = takeOperands(self.args, [], terminal.env);
      const { timeout, schema, neonEndpoint } = options;
      const diagnosis = await examine(url, { timeoutMs: timeout, schema, neonEndpoint, signal: terminal.signal });
      const exitCode = verdict(diagnosis, options.strict === true);
      const { isConnected, findings } = diagnosis;
      const target = shownUrl(url);
      if (options.json) {
        printJson(terminal, { target, isConnected, worst: worstLevel(findings), exitCode, findings });
      } else {
        const head = isConnected ? `onetrip doctor: ${target}` : `onetrip doctor: no connection to ${target}`;
        printLines(terminal.stdout, reportText(head, findings, terminal.stdout));
      }
      end(exitCode);
    });
}

const help = `
What it finds is ok, advice, a warning or a failure. Nothing is written, and what is tried out is undone. Neither the password
nor the whole URL is ever printed.

Examples:
  onetrip doctor "$DATABASE_URL"
  onetrip doctor --strict --json | jq '.findings[] | select(.level != "ok")'

Exit status:
  0    no failure; with --strict no warning either
  1    problems were found
  2    could not connect
  64   the arguments are not understood
  69   a package is missing; the message says which`;

function verdict({ isConnected, findings }: Diagnosis, isStrict: boolean): ExitCode {
  if (!isConnected) return exitCodes.unreachable;
  const worst = worstLevel(findings);
  return worst === "failure" || (isStrict && worst === "warning") ? exitCodes.problems : exitCodes.ok;
}
