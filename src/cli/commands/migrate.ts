import { Command } from "commander";
import { type MigrationReport, migrate } from "../../migrate/migrate.ts";
import { UsageError } from "../command-errors.ts";
import { type DatabaseOptions, urlHelp, withDatabaseOptions } from "../command-options.ts";
import { takeOperands } from "../database-url.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { type MigrationState, migrationState } from "../migration-state.ts";
import { openDriver } from "../open-driver.ts";
import type { CommandContext } from "../program.ts";
import { type SchemaSet, schemaSet } from "../schema-set.ts";
import { printJson, printLines } from "../terminal.ts";

interface Options extends DatabaseOptions {
  readonly print?: boolean;
  readonly check?: boolean;
  readonly profiles?: boolean;
  readonly prefix: string;
  readonly rls?: boolean;
  readonly role?: string;
}

export function migrateCommand({ terminal, end }: CommandContext): Command {
  const command = new Command("migrate")
    .description("Bring the tables up to date. Any number of processes may do so at once.")
    .argument("[url]", urlHelp);
  return withDatabaseOptions(command)
    .option("--print", "print the SQL instead, for psql, Flyway or Atlas; needs no database")
    .option("--check", "change nothing; status 1 when something is missing")
    .option(
      "--profiles",
      "the tables of the profiles instead of those of the stores; their schema is public by default",
    )
    .option("--prefix <text>", "with --profiles: what the tables' names begin with", "pson_")
    .option("--rls", "with --profiles: row-level security by tenant")
    .option("--role <name>", "with --profiles --print: grant this role what the repository needs")
    .addHelpText("after", () => help)
    .action(async (_url: string | undefined, options: Options, self: Command) => {
      checkOptions(options);
      const set = schemaSet(options, self.getOptionValueSource("schema") === "default");
      if (options.print) {
        terminal.stdout.write(set.sql);
        return;
      }
      const { url } = takeOperands(self.args, [], terminal.env);
      const driver = await openDriver(url, { timeoutMs: options.timeout, neonEndpoint: options.neonEndpoint });
      try {
        const call = { timeoutMs: options.timeout, signal: terminal.signal };
        if (options.check) {
          const state = await migrationState(driver, set.migrations, set.names, call);
          if (options.json) printJson(terminal, { schema: set.names.schema, isUpToDate: isUpToDate(state), ...state });
          else printLines(terminal.stdout, stateLines(set, state));
          if (!isUpToDate(state)) end(exitCodes.problems);
          return;
        }
        const report = await migrate(driver, set.migrations, set.names, call);
        if (options.json) printJson(terminal, { schema: set.names.schema, ...report });
        else printLines(terminal.stdout, reportLines(set, report));
      } finally {
        await driver.close();
      }
    });
}

const help = `
Examples:
  onetrip migrate "$DATABASE_URL"
  onetrip migrate --check                     in CI, before the new version goes out
  onetrip migrate --print > persist.sql
  onetrip migrate --profiles --rls --schema app
${exitCodeHelp([exitCodes.ok, exitCodes.problems, exitCodes.unreachable, exitCodes.usage, exitCodes.temporary])}`;

function checkOptions({ print, check, profiles, rls, role, json }: Options): void {
  if (print && check) throw new UsageError("--print and --check: one of them");
  if (print && json) throw new UsageError("--print gives SQL; leave --json out");
  if (!profiles && (rls || role !== undefined)) throw new UsageError("--rls and --role go with --profiles");
  if (role !== undefined && !print)
    throw new UsageError("--role goes with --print; run the SQL as the owner of the tables");
}

function isUpToDate({ missing, altered }: MigrationState): boolean {
  return missing.length === 0 && altered.length === 0;
}

function stateLines({ names, what, more }: SchemaSet, state: MigrationState): readonly string[] {
  const { isThere, applied, missing, altered, ahead } = state;
  const total = applied.length + missing.length;
  const lines: string[] = [];
  if (isUpToDate(state))
    lines.push(`${what} in schema ${names.schema}: up to date, all ${total} migrations are applied`);
  else if (!isThere) lines.push(`${what} in schema ${names.schema}: not there yet`);
  else lines.push(`${what} in schema ${names.schema}: ${applied.length} of ${total} migrations are applied`);
  if (isThere && missing.length > 0) lines.push(...missing.map((name) => `  missing  ${name}`));
  lines.push(...altered.map((name) => `  altered  ${name}: applied in another form than this version has`));
  if (ahead > 0) lines.push(`  and ${ahead} more: ${more}`);
  if (missing.length > 0) lines.push("  → onetrip migrate applies what is missing");
  return lines;
}

function reportLines({ names, what, migrations, more }: SchemaSet, report: MigrationReport): readonly string[] {
  const { applied, already, ahead } = report;
  const lines =
    applied.length === 0
      ? [`${what} in schema ${names.schema}: nothing to do, all ${already} migrations were applied before`]
      : [`${what} in schema ${names.schema}: ${applied.length} of ${migrations.length} migrations applied`];
  lines.push(...applied.map((name) => `  applied  ${name}`));
  if (ahead > 0) lines.push(`  and ${ahead} more: ${more}`);
  return lines;
}
