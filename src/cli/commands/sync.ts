import { Command, Option } from "commander";
import { createStore, type Store } from "../../create-store.ts";
import type { Driver } from "../../driver.ts";
import { PersistError } from "../../errors.ts";
import type { SyncReport } from "../../stores/sync-event.ts";
import { storeReplica } from "../../sync/store-replica.ts";
import { syncOnce } from "../../sync/sync-once.ts";
import { UsageError } from "../command-errors.ts";
import { type DatabaseOptions, urlHelp, wholeNumber, withDatabaseOptions } from "../command-options.ts";
import { isDatabaseUrl, shownUrl, takeOperands } from "../database-url.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { openDriver } from "../open-driver.ts";
import type { CommandContext } from "../program.ts";
import { remoteFailure, syncFailure, watchedFetch } from "../sync-failure.ts";
import { printJson, printLines } from "../terminal.ts";

interface Options extends DatabaseOptions {
  readonly strategy?: "last-write-wins" | "merge" | "manual";
  readonly direction: "both" | "pull" | "push";
  readonly scope: string;
  readonly budget?: number;
}

export function syncCommand({ terminal, end }: CommandContext): Command {
  const command = new Command("sync")
    .description("Sync a store with a remote until both sides are in step, or the budget ends.")
    .usage("[options] <store> [url] <remote-url>")
    .argument("[store]", "name of the store")
    .argument("[url]", urlHelp)
    .argument("[remote-url]", "https://host/sync/v1/store, or the URL of a database with a store of the same name");
  return withDatabaseOptions(command)
    .addOption(
      new Option("--strategy <name>", "who wins when a record was changed on both sides; default: the remote").choices([
        "last-write-wins",
        "merge",
        "manual",
      ]),
    )
    .addOption(new Option("--direction <which>", "what travels").choices(["both", "pull", "push"]).default("both"))
    .option("--scope <prefix>", "only keys and streams that begin so", "")
    .addOption(new Option("--budget <ms>", "begin nothing new after so many milliseconds").argParser(wholeNumber))
    .addHelpText("after", () => help)
    .action(async (_store: string, _url: string, _remote: string, options: Options, self: Command) => {
      const { url, rest } = takeOperands(self.args, ["store", "remote-url"], terminal.env, 1);
      const [name = "", remoteUrl = ""] = rest;
      const opening = { timeoutMs: options.timeout, neonEndpoint: options.neonEndpoint };
      const driver = await openDriver(url, opening);
      const store = await createStore(name, { driver, schema: options.schema });
      const remote = await openRemote(name, remoteUrl, options);
      try {
        await refuseItself(name, options.schema, driver, remote.driver);
        const { fetch, failure } = watchedFetch();
        const report = await syncOnce(store, remote.remote, {
          ...(remote.name !== undefined && { name: remote.name }),
          fetch,
          strategy: options.strategy,
          direction: options.direction,
          scope: options.scope,
          budgetMs: options.budget,
          timeoutMs: options.timeout,
          authToken: terminal.env["ONETRIP_TOKEN"],
          signal: terminal.signal,
        }).catch((error: unknown) => {
          throw syncFailure(error, failure());
        });
        if (options.json) printJson(terminal, { store: name, ...report });
        else printLines(terminal.stdout, reportLines(name, report));
        if (report.rejected > 0) end(exitCodes.problems);
        else if (!report.done) end(exitCodes.temporary);
      } finally {
        await Promise.all([store.close(), remote.close()]);
      }
    });
}

const help = `
The token for a remote comes from ONETRIP_TOKEN, never from an argument, which other users of the machine can see.

Examples:
  ONETRIP_TOKEN=… onetrip sync notes pglite:./data https://api.example/sync/v1/notes
  onetrip sync notes https://api.example/sync/v1/notes --budget 20000       with DATABASE_URL set
  onetrip sync notes "$HERE" "$THERE" --strategy last-write-wins
${exitCodeHelp([exitCodes.ok, exitCodes.problems, exitCodes.unreachable, exitCodes.usage, exitCodes.temporary])}`;

interface OpenRemote {
  readonly remote: string | Store;
  /** Where it is a database. */
  readonly driver?: Driver;
  /** What the sync's state is kept under, where the remote does not say. */
  readonly name?: string;
  close(): Promise<void>;
}

async function openRemote(name: string, remoteUrl: string, options: Options): Promise<OpenRemote> {
  if (isDatabaseUrl(remoteUrl)) {
    const driver = await openDriver(remoteUrl, { timeoutMs: options.timeout });
    const remote = await createStore(name, { driver, schema: options.schema });
    return { remote, driver, name: `${shownUrl(remoteUrl)}/${options.schema}/${name}`, close: () => remote.close() };
  }
  if (!/^https?:\/\//i.test(remoteUrl) || !URL.canParse(remoteUrl)) {
    throw new UsageError("remote-url: expected https://host/sync/v1/store, or the URL of a database");
  }
  return { remote: remoteUrl, close: async () => undefined };
}

/** Two URLs may lead to one store, directly and through a pooler. */
async function refuseItself(name: string, schema: string, here: Driver, there: Driver | undefined): Promise<void> {
  if (there === undefined) return;
  const [one, other] = await Promise.all([
    identityOf(name, schema, here),
    identityOf(name, schema, there).catch((error: unknown) => {
      const isUnreached = error instanceof PersistError && error.code === "connection" && error.outcome === "not-sent";
      throw isUnreached ? remoteFailure(error) : error;
    }),
  ]);
  if (one !== undefined && one === other) {
    throw new UsageError("both URLs lead to the same store; give that of another database");
  }
}

/** Undefined while the store has no history: then there is nothing to spoil. */
async function identityOf(store: string, schema: string, driver: Driver): Promise<string | undefined> {
  const { epoch } = await storeReplica({ driver, store, schema, principal: "onetrip" }).head();
  if (epoch === null) return undefined;
  // A branch or a copy may share the epoch, and not the server that runs it.
  const text = "select pg_postmaster_start_time()::text as started, current_database()::text as name";
  const [row] = await driver.query({ text, params: [] });
  return `${epoch} ${row?.["started"]} ${row?.["name"]}`;
}

function reportLines(name: string, report: SyncReport): readonly string[] {
  const { pushed, pulled, conflicts, rejected, resyncs, done } = report;
  const lines = [`${name}: ${pushed} pushed, ${pulled} pulled${conflicts > 0 ? `, ${conflicts} conflicts` : ""}`];
  if (resyncs > 0) lines.push("  everything was pulled again: the remote's history is another one");
  if (rejected > 0)
    lines.push(`  ${rejected} edits were not taken by the remote: onetrip status counts them as failed`);
  lines.push(done ? "  both sides are in step" : "  not done yet: run it again, it goes on from here");
  return lines;
}
