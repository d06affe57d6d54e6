import { parseArgs } from "node:util";

const driverNames = ["neon-http", "neon-websocket", "postgres", "pg"] as const;

export interface StartOptions {
  /** A `postgresql://` URL, or undefined for the embedded database. */
  readonly database: string | undefined;
  readonly driver: (typeof driverNames)[number];
  readonly port: number;
  readonly reset: boolean;
}

export const help = `npm start: the worker on this machine, with a database of its own.

  npm start -- [options]

  --database <url>   a PostgreSQL server, postgresql://user:password@host/database,
                     instead of the embedded one
  --driver <name>    how the worker reaches it: neon-http (default) or neon-websocket, through a
                     local Neon endpoint; postgres or pg, over TCP, only with --database
  --port <number>    where the worker listens, default 8787; another one when that is taken
  --reset            first delete .onetrip/, with the embedded database and the development key
  --help             this text
`;

/** The options, `"help"`, or what is wrong with them. */
export function readOptions(args: readonly string[]): StartOptions | "help" | { readonly fault: string } {
  let values: { database?: string; driver?: string; port?: string; reset?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        database: { type: "string" },
        driver: { type: "string" },
        port: { type: "string" },
        reset: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }));
  } catch (error) {
    return { fault: error instanceof Error ? error.message : "the options are not understood" };
  }
  if (values.help) return "help";

  const { database, port = "8787" } = values;
  if (database !== undefined && !/^postgres(ql)?:\/\/[^/]/.test(database)) {
    return { fault: "--database: expected postgresql://user:password@host:port/database" };
  }
  const driver = driverNames.find((name) => name === (values.driver ?? "neon-http"));
  if (driver === undefined) return { fault: `--driver: expected one of ${driverNames.join(", ")}` };
  if (database === undefined && !driver.startsWith("neon-")) {
    return { fault: `--driver ${driver} goes to a server over TCP: name it with --database` };
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) return { fault: "--port: expected a number up to 65535" };
  return { database, driver, port: Number(port), reset: values.reset ?? false };
}
