import { Command } from "commander";
import type { CallOptions, Driver, Row, Statement } from "../../driver.ts";
import { PersistError } from "../../errors.ts";
import { type DatabaseOptions, urlHelp, withDatabaseOptions } from "../command-options.ts";
import { takeOperands } from "../database-url.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { openDriver } from "../open-driver.ts";
import type { CommandContext } from "../program.ts";
import { printJson, printLines } from "../terminal.ts";
import { textTable } from "../text-table.ts";

interface Options extends DatabaseOptions {
  readonly write?: boolean;
}

export function sqlCommand({ terminal }: CommandContext): Command {
  const command = new Command("sql")
    .description("Run one statement, in a read-only transaction unless --write is given.")
    .usage("[options] [url] <statement> [params...]")
    .argument("[url]", urlHelp)
    .argument("[statement]", "one SQL statement, with $1, $2 … for its parameters")
    .argument("[params...]", "as text; PostgreSQL takes the type from where they stand");
  return withDatabaseOptions(command)
    .option("--write", "let it change something")
    .addHelpText("after", () => help)
    .action(async (_url: string, _statement: string, _params: string[], options: Options, self: Command) => {
      const { url, rest } = takeOperands(self.args, ["statement", "[params...]"], terminal.env);
      const [text = "", ...params] = rest;
      const driver = await openDriver(url, { timeoutMs: options.timeout, neonEndpoint: options.neonEndpoint });
      try {
        const call = { timeoutMs: options.timeout, signal: terminal.signal };
        const rows = options.write
          ? await driver.query({ text, params }, call)
          : await readOnly(driver, { text, params }, call);
        if (options.json) printJson(terminal, { rows: rows.map(toJsonRow) });
        else printLines(terminal.stdout, rowLines(rows));
      } finally {
        await driver.close();
      }
    });
}

const help = `
Examples:
  onetrip sql "$DATABASE_URL" 'select key, version from persist.persist_records where store = $1' notes
  onetrip sql 'select count(*) from persist.persist_events' --json
  onetrip sql --write 'delete from drafts where id = $1' 7

64-bit numbers, times and arrays come as PostgreSQL's own text, in JSON also NaN and Infinity, for which it has no numbers. Of
several columns of one name one is shown: give each a name of its own. A parameter that begins with - goes behind --.
${exitCodeHelp([exitCodes.ok, exitCodes.problems, exitCodes.unreachable, exitCodes.usage, exitCodes.temporary])}`;

/** A transaction that cannot write has changed nothing, whatever became of its answer. */
async function readOnly(driver: Driver, statement: Statement, call: CallOptions): Promise<readonly Row[]> {
  try {
    const [rows = []] = await driver.batch([statement], { ...call, readOnly: true });
    return rows;
  } catch (error) {
    if (!(error instanceof PersistError) || error.outcome !== "unknown") throw error;
    const { code, retryable, sqlstate } = error;
    const why = code === "timeout" ? `no answer within ${call.timeoutMs} ms` : "the connection was lost";
    const options = { outcome: "rolled-back", retryable, sqlstate, cause: error } as const;
    throw new PersistError(code, `sql: ${why}; nothing was changed`, options);
  }
}

/** JSON has null for these. */
function toJsonRow(row: Row): Row {
  const isBeyondJson = (value: unknown) => typeof value === "number" && !Number.isFinite(value);
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, isBeyondJson(value) ? String(value) : value]),
  );
}

function rowLines(rows: readonly Row[]): readonly string[] {
  const [first] = rows;
  const count = `(${rows.length} row${rows.length === 1 ? "" : "s"})`;
  if (first === undefined) return [count];
  const columns = Object.keys(first);
  const table = textTable(
    columns,
    rows.map((row) => columns.map((column) => row[column])),
  );
  return [...table, count];
}
