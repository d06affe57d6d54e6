import { once } from "node:events";
import { dirname, join, relative } from "node:path";
import { Command, Option } from "commander";
import type { LocalNeon } from "../../local/local-neon.ts";
import { InputError } from "../command-errors.ts";
import { countFromZero, portNumber } from "../command-options.ts";
import { pgliteFolder, shownUrl } from "../database-url.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { type FolderLock, lockFolder } from "../folder-lock.ts";
import { installed } from "../open-driver.ts";
import type { CommandContext } from "../program.ts";
import { printJson, printLines } from "../terminal.ts";

interface Options {
  readonly database: string;
  readonly port: number;
  readonly latency: number;
  readonly faults?: boolean;
  readonly json?: boolean;
}

export function devCommand({ terminal }: CommandContext): Command {
  return new Command("dev")
    .description(
      "A Postgres on this machine behind a local Neon endpoint, until Ctrl+C. Needs no Docker and no account.",
    )
    .option("--database <url>", "pglite:folder, or pglite: for memory, or a postgresql:// server", defaultDatabase)
    .addOption(new Option("--port <n>", "where it listens; 0 for any").argParser(portNumber).default(8432))
    .addOption(
      new Option("--latency <ms>", "delay of every answer: a network's round trip").argParser(countFromZero).default(0),
    )
    .option("--faults", "let other processes arm faults, at /faults")
    .option("--json", "print the URL as one line of JSON")
    .addHelpText("after", () => help)
    .action(async (options: Options) => {
      const lock = takeFolder(options.database);
      try {
        const local = await start(options);
        try {
          if (options.json) printJson(terminal, { url: local.url, port: local.port });
          else printLines(terminal.stdout, greeting(local, options));
          if (!terminal.signal.aborted) await once(terminal.signal, "abort");
        } finally {
          await local.close();
        }
      } finally {
        lock?.release();
      }
    });
}

const defaultDatabase = "pglite:.onetrip/database";

const help = `
The URL is for onetrip/neon-http and onetrip/neon-websocket, and for the other commands here:
  export DATABASE_URL=postgresql://postgres:postgres@127.0.0.1:8432/postgres
  onetrip status

Needs pg and ws, and @electric-sql/pglite for the embedded database: npm install -D pg ws @electric-sql/pglite
${exitCodeHelp([exitCodes.ok, exitCodes.unreachable, exitCodes.usage, exitCodes.data, exitCodes.unavailable])}`;

/** The folder above that of the data has the lock: what is in the data's own is PostgreSQL's. */
function takeFolder(database: string): FolderLock | undefined {
  const folder = pgliteFolder(database);
  if (!folder || folder.includes("://")) return undefined;
  const lock = lockFolder(dirname(folder));
  if (!("takenBy" in lock)) return lock;
  throw new InputError(`${dirname(folder)} is in use by process ${lock.takenBy}`, {
    next: `stop that one first; if it is none of onetrip, delete ${join(dirname(folder), "lock")}`,
  });
}

async function start({ database, port, latency, faults }: Options): Promise<LocalNeon> {
  const { startLocalNeon } = await installed(() => import("../../local/local-neon.ts"));
  try {
    return await installed(() => startLocalNeon({ database, port, latencyMs: latency, controlRoute: faults }));
  } catch (error) {
    if ((error as { code?: unknown }).code !== "EADDRINUSE") throw error;
    throw new InputError(`port ${port} is taken`, {
      next: "stop what listens there, or give --port another; 0 finds one",
    });
  }
}

function greeting({ url }: LocalNeon, { database }: Options): readonly string[] {
  const folder = pgliteFolder(database);
  const where =
    folder === undefined
      ? shownUrl(database)
      : folder === ""
        ? "PGlite in memory"
        : `PGlite in ${relative(".", folder) || "."}`;
  return ["onetrip dev", "", `  database  ${where}`, `  url       ${url}`, "", "Ctrl+C stops it."];
}
