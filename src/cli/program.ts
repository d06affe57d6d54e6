import { Command } from "commander";
import { devCommand } from "./commands/dev.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { exportCommand } from "./commands/export.ts";
import { importCommand } from "./commands/import.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { sqlCommand } from "./commands/sql.ts";
import { statusCommand } from "./commands/status.ts";
import { syncCommand } from "./commands/sync.ts";
import { type ExitCode, exitCodeHelp, exitCodes } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** What a command needs beside its arguments. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** The exit status, when it is another than 0. */
  readonly end: (code: ExitCode) => void;
}

/** The commands and their options. Nothing is read or opened before it is parsed. */
export function createProgram(terminal: Terminal, end: CommandContext["end"]): Command {
  const context = { terminal, end };
  const program = new Command("onetrip")
    .description("Postgres storage for code that lives for one request.")
    .version(packageVersion(), "-v, --version", "print the version")
    .helpOption("-h, --help", "print this text")
    .helpCommand(false)
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      getOutHelpWidth: () => Math.min(terminal.stdout.columns ?? 100, 100),
      getErrHelpWidth: () => Math.min(terminal.stderr.columns ?? 100, 100),
      outputError: (text, write) => write(text.replace(/^error: /, "onetrip: ")),
    })
    .showHelpAfterError("  → add --help to see how it is used")
    .addHelpText("after", () => programHelp);
  const commands = [
    devCommand,
    migrateCommand,
    statusCommand,
    sqlCommand,
    doctorCommand,
    syncCommand,
    importCommand,
    exportCommand,
  ];
  for (const command of commands) program.addCommand(command(context).copyInheritedSettings(program));
  return program;
}

const programHelp = `
Examples:
  onetrip dev                                 a database on this machine
  onetrip doctor "$DATABASE_URL"              what a handler will meet there
  onetrip migrate && onetrip status           with DATABASE_URL set
  onetrip export notes | onetrip import "$OTHER_URL" notes -
${exitCodeHelp(Object.values(exitCodes))}

The URL of a database is an argument or DATABASE_URL, which keeps the password out of the list of processes.
onetrip <command> --help tells more.`;
