import { createWriteStream, fstatSync, ftruncateSync, openSync } from "node:fs";
import { promisify } from "node:util";
import { Command } from "commander";
import { createStore } from "../../create-store.ts";
import { InputError, UsageError } from "../command-errors.ts";
import { type DatabaseOptions, urlHelp, withDatabaseOptions } from "../command-options.ts";
import { takeOperands } from "../database-url.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { openDriver } from "../open-driver.ts";
import type { CommandContext } from "../program.ts";
import { startProgress } from "../progress.ts";
import { printJson, printLines } from "../terminal.ts";
import { exportPages } from "../transfer/export-pages.ts";
import { importKinds } from "../transfer/import-kinds.ts";
import { type KindOptions, kindOf, withKindOptions } from "../transfer/kind-options.ts";

interface Options extends DatabaseOptions, KindOptions {
  readonly prefix: string;
  readonly output?: string;
}

export function exportCommand({ terminal }: CommandContext): Command {
  const command = new Command("export")
    .description("Write a store as NDJSON, one object a line, to stdout or a file. import takes it as it is.")
    .usage("[options] [url] <store>")
    .argument("[url]", urlHelp)
    .argument("[store]", "name of the store");
  return withKindOptions(withDatabaseOptions(command))
    .option("--prefix <text>", "only keys, or streams, that begin so", "")
    .option("-o, --output <file>", "into a file; --json then tells of it on stdout")
    .addHelpText("after", () => help)
    .action(async (_url: string, _store: string, options: Options, self: Command) => {
      const { url, rest } = takeOperands(self.args, ["store"], terminal.env);
      const [name = ""] = rest;
      const kind = kindOf(options);
      const { output } = options;
      if (options.json && output === undefined) throw new UsageError("--json needs --output: stdout has the data");
      const startedAt = performance.now();
      const driver = await openDriver(url, { timeoutMs: options.timeout, neonEndpoint: options.neonEndpoint });
      try {
        const store = await createStore(name, { driver, schema: options.schema, migrate: "check" });
        const { unit } = importKinds[kind];
        const file = output === undefined ? undefined : openOutput(output);
        const target = file?.stream ?? terminal.stdout;
        const progress = await startProgress(terminal, { what: `exporting ${name}`, unit, total: undefined });
        let exported = 0;
        try {
          const call = { timeoutMs: options.timeout, signal: terminal.signal };
          for await (const page of exportPages[kind](store, { ...call, prefix: options.prefix })) {
            file?.begin();
            await write(target, page, output);
            exported += page.length;
            progress.update(exported, exported);
          }
        } finally {
          progress.stop();
          if (output !== undefined) await close(target, output);
        }
        const seconds = Math.round(performance.now() - startedAt) / 1000;
        if (options.json) printJson(terminal, { store: name, kind, exported, seconds });
        else {
          const line = `${exported.toLocaleString("en")} ${unit} exported from ${name} in ${seconds.toFixed(1)} s`;
          printLines(output === undefined ? terminal.stderr : terminal.stdout, [line]);
        }
      } finally {
        await driver.close();
      }
    });
}

const help = `
Examples:
  onetrip export "$DATABASE_URL" quakes > quakes.ndjson
  onetrip export audit --events -o audit.ndjson
  onetrip export quakes --prefix 2026- | jq .value.mag

What is written meanwhile may or may not be in it: each page of 1,000 shows the store as it was when it was read. An event goes
without its time: an import gives it that of the import.
${exitCodeHelp([exitCodes.ok, exitCodes.problems, exitCodes.unreachable, exitCodes.usage, exitCodes.data, exitCodes.temporary])}`;

interface Output {
  readonly stream: NodeJS.WritableStream;
  /** Empties the file, once: what it held is safe until there is something to take its place. */
  begin(): void;
}

/** Opened here and now, so that what is wrong with the path is found before anything is read. */
function openOutput(file: string): Output {
  try {
    const fd = openSync(file, "a");
    let isBegun = false;
    return {
      stream: createWriteStream(file, { fd }).on("error", () => undefined),
      begin() {
        if (!isBegun && fstatSync(fd).isFile()) ftruncateSync(fd);
        isBegun = true;
      },
    };
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/** Waits until the page is on its way: a store must not pile up here because a pipe or disk is slow. */
async function write(target: NodeJS.WritableStream, page: readonly object[], name = "stdout"): Promise<void> {
  if (page.length === 0) return;
  const text = page.map((item) => `${JSON.stringify(item)}\n`).join("");
  await new Promise<void>((resolve, reject) => {
    target.write(text, (error) => (error ? reject(unwritable(name, error)) : resolve()));
  });
}

async function close(target: NodeJS.WritableStream, file: string): Promise<void> {
  try {
    await promisify(target.end.bind(target) as (done: (error?: Error | null) => void) => void)();
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

function unwritable(file: string, cause: unknown): InputError {
  return new InputError(`${file} cannot be written`, { next: "check the path, and the space that is left", cause });
}
