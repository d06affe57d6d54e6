import { Command, Option } from "commander";
import { type DatabaseOptions, urlHelp, wholeNumber, withDatabaseOptions } from "../command-options.ts";
import { shownUrl, takeOperands } from "../database-url.ts";
import { exitCodeHelp, exitCodes } from "../exit-codes.ts";
import { openDriver } from "../open-driver.ts";
import type { CommandContext } from "../program.ts";
import { COUNT_LIMIT, type StoreCounts, storeCounts } from "../store-counts.ts";
import { type StoreOverview, storeOverviews } from "../store-overview.ts";
import { type RemoteStatus, syncRemotes } from "../sync-remotes.ts";
import { printJson, printLines } from "../terminal.ts";
import { textTable } from "../text-table.ts";

interface Options extends DatabaseOptions {
  readonly limit: number;
}

export function statusCommand({ terminal }: CommandContext): Command {
  const command = new Command("status")
    .description("The stores of a schema: what they hold, their lanes, and how their syncs stand.")
    .argument("[url]", urlHelp);
  return withDatabaseOptions(command)
    .addOption(new Option("--limit <n>", "stores, and remotes, at most").argParser(wholeNumber).default(50))
    .addHelpText("after", () => help)
    .action(async (_url: string | undefined, options: Options, self: Command) => {
      const { url } = takeOperands(self.args, [], terminal.env);
      const { schema, limit } = options;
      const call = { timeoutMs: options.timeout, signal: terminal.signal };
      const driver = await openDriver(url, { timeoutMs: options.timeout, neonEndpoint: options.neonEndpoint });
      try {
        const stores = await storeOverviews(driver, schema, limit, call);
        const names = stores?.map(({ store }) => store) ?? [];
        const counts = await storeCounts(driver, schema, names, call);
        const remotes = stores === undefined ? [] : await syncRemotes(driver, schema, limit, call);
        if (options.json) {
          const all = stores?.map((overview) => ({ ...overview, ...counts.get(overview.store) }));
          printJson(terminal, { schema, isThere: stores !== undefined, stores: all ?? [], remotes });
          return;
        }
        const head = `${shownUrl(url)}, schema ${schema}`;
        printLines(terminal.stdout, [head, "", ...storeLines(stores, counts, limit), ...remoteLines(remotes)]);
      } finally {
        await driver.close();
      }
    });
}

const help = `
Examples:
  onetrip status "$DATABASE_URL"
  onetrip status --json | jq '.remotes[] | select(.failed > 0)'

Rows are counted up to ${COUNT_LIMIT.toLocaleString("en")} a store and kind. Writes are all that a store has ever seen.
${exitCodeHelp([exitCodes.ok, exitCodes.unreachable, exitCodes.usage, exitCodes.temporary])}`;

function storeLines(
  stores: readonly StoreOverview[] | undefined,
  counts: ReadonlyMap<string, StoreCounts>,
  limit: number,
): readonly string[] {
  if (stores === undefined)
    return ["There are no tables yet: the first write of a store creates them, or onetrip migrate."];
  if (stores.length === 0) return ["The tables are there, and no store has written anything."];
  const rows = stores.map(({ store, lanes, writes, floor }) => {
    const { records, events, kv } = counts.get(store) ?? { records: 0, events: 0, kv: 0 };
    return [store, shown(records), shown(events), shown(kv), writes.toLocaleString("en"), lanes, floor];
  });
  const table = textTable(["store", "records", "events", "kv", "writes", "lanes", "floor"], rows);
  return stores.length < limit ? table : [...table, `(the first ${limit}; --limit shows more)`];
}

function shown(count: number): string {
  return count >= COUNT_LIMIT ? `≥ ${COUNT_LIMIT.toLocaleString("en")}` : count.toLocaleString("en");
}

function remoteLines(remotes: readonly RemoteStatus[]): readonly string[] {
  if (remotes.length === 0) return [];
  const rows = remotes.map((status) => {
    const { store, remote, pending, inFlight, failed, conflicts, pulledAt, oldestPendingAt } = status;
    return [store, remote, pending, inFlight, failed, conflicts, moment(pulledAt), moment(oldestPendingAt)];
  });
  const names = ["store", "remote", "pending", "in flight", "failed", "conflicts", "pulled", "oldest pending"];
  const resyncs = remotes.flatMap(({ store, remote, resync }) =>
    resync === null ? [] : [`${store} pulls everything from ${remote} again: ${resync}`],
  );
  return ["", ...textTable(names, rows), ...resyncs];
}

/** To the second. */
function moment(text: string | null): string {
  return text === null ? "–" : `${text.slice(0, 19)}Z`;
}
