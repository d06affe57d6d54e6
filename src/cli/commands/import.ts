import { basename } from "node:path";
import { Command, Option } from "commander";
import { createStore } from "../../create-store.ts";
import { countFromZero, type DatabaseOptions, urlHelp, withDatabaseOptions } from "../command-options.ts";
import { takeOperands } from "../database-url.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { openDriver } from "../open-driver.ts";
import type { CommandContext } from "../program.ts";
import { startProgress } from "../progress.ts";
import { printJson, printLines } from "../terminal.ts";
import { importKinds } from "../transfer/import-kinds.ts";
import { importLines } from "../transfer/import-lines.ts";
import { type KindOptions, kindOf, withKindOptions } from "../transfer/kind-options.ts";
import { openLines } from "../transfer/ndjson-lines.ts";

interface Options extends DatabaseOptions, KindOptions {
  readonly skip: number;
}

export function importCommand({ terminal }: CommandContext): Command {
  const command = new Command("import")
    .description("Write NDJSON into a store, in batches: records, or with --events or --kv what export gives of these.")
    .usage("[options] [url] <store> <file>")
    .argument("[url]", urlHelp)
    .argument("[store]", "name of the store")
    .argument("[file]", "one JSON object a line; - for stdin");
  return withKindOptions(withDatabaseOptions(command))
    .addOption(new Option("--skip <n>", "leave out so many lines at the start").argParser(countFromZero).default(0))
    .addHelpText("after", () => help)
    .action(async (_url: string, _store: string, _file: string, options: Options, self: Command) => {
      const { url, rest } = takeOperands(self.args, ["store", "file"], terminal.env);
      const [name = "", file = ""] = rest;
      const kind = importKinds[kindOf(options)];
      const source = openLines(file, terminal);
      const startedAt = performance.now();
      const driver = await openDriver(url, { timeoutMs: options.timeout, neonEndpoint: options.neonEndpoint });
      try {
        const store = await createStore(name, { driver, schema: options.schema });
        const progress = await startProgress(terminal, {
          what: `importing ${file === "-" ? "stdin" : basename(file)}`,
          unit: kind.unit,
          total: source.totalBytes,
        });
        try {
          const report = await importLines(store, source, kind, {
            skip: options.skip,
            timeoutMs: options.timeout,
            signal: terminal.signal,
            onBatch: progress.update,
          });
          progress.stop();
          const seconds = Math.round(performance.now() - startedAt) / 1000;
          if (options.json) printJson(terminal, { store: name, kind: kindOf(options), ...report, seconds });
          else {
            const count = report.imported.toLocaleString("en");
            printLines(terminal.stdout, [`${count} ${kind.unit} imported into ${name} in ${seconds.toFixed(1)} s`]);
          }
        } finally {
          progress.stop();
        }
      } finally {
        await driver.close();
      }
    });
}

const help = `
A line of
  records   {"key": "quake-1", "value": {"mag": 4.1}}
  --events  {"stream": "audit", "payload": {…}, "id"?: "…", "type"?: "…", "metadata"?: …}
  --kv      {"key": "session", "value": …, "ttl"?: ms, "expiresAt"?: "2027-01-01T00:00:00Z", "encoding"?: "base64"}

Importing a file again does no harm: records and entries get the same values, and an event is the same event; one without an
id gets one made of its line, and each the time of the import. When it stops, it says with which --skip to go on.

Examples:
  onetrip import "$DATABASE_URL" quakes quakes.ndjson
  zcat audit.ndjson.gz | onetrip import audit - --events
${exitCodeHelp([exitCodes.ok, exitCodes.problems, exitCodes.unreachable, exitCodes.usage, exitCodes.data, exitCodes.temporary, exitCodes.interrupted])}`;
