import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withFreePort } from "./free-port.ts";
import { createServerFolder } from "./server-folder.ts";
import { runAsServerUser, startServerProcess } from "./server-process.ts";

export interface PostgresOptions {
  /** The folder of `initdb` and `postgres`. */
  readonly binaries: string;
  /** The major version; for names and messages. */
  readonly version: number;
  /**
   * How the default collation sorts text. `linguistic` (ICU, en-US; PostgreSQL 15 and newer) is what many hosted
   * databases have: SQL that leans on byte order without `collate "C"` fails there. Default `C`.
   */
  readonly collation?: "C" | "linguistic";
  /** Default 200. */
  readonly maxConnections?: number;
}

export interface PostgresServer {
  readonly version: number;
  /** Of a superuser, on the database `postgres`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** The end of the server's log. */
  log(): string;
  /** Signals the postmaster: SIGINT is a fast shutdown, SIGQUIT an immediate one, SIGSTOP freezes accepting. */
  kill(signal: NodeJS.Signals): void;
  /** Fast shutdown; removes the data. Harmless twice. */
  stop(): Promise<void>;
}

/** The superuser of every server that is started here. */
export const superuser: { readonly name: string; readonly password: string } = {
  name: "onetrip",
  password: "one-trip-only",
};

/**
 * Starts a Postgres with a data folder of its own on a free port of 127.0.0.1, in about a second. Passwords by SCRAM, no
 * socket file, and fsync off: what it holds is worth nothing after the run.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  return withFreePort((port) => startOnPort(port, options));
}

async function startOnPort(port: number, options: PostgresOptions): Promise<PostgresServer> {
  const folder = await createServerFolder(`postgres-${options.version}`);
  const data = join(folder.path, "data");
  try {
    const passwordFile = join(folder.path, "password");
    await writeFile(passwordFile, superuser.password);
    await runAsServerUser(join(options.binaries, "initdb"), initdbArgs(data, passwordFile, options), folder);
  } catch (error) {
    await folder.remove();
    throw error;
  }
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: "",
    max_connections: options.maxConnections ?? 200,
    fsync: "off",
    full_page_writes: "off",
  };
  const server = await startServerProcess({
    command: join(options.binaries, "postgres"),
    args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    folder,
    ready: /database system is ready to accept connections/,
  });
  return {
    version: options.version,
    url: `postgresql://${superuser.name}:${superuser.password}@127.0.0.1:${port}/postgres`,
    host: "127.0.0.1",
    port,
    pid: server.pid,
    log: server.log,
    kill: server.kill,
    stop: () => server.stop("SIGINT"),
  };
}

function initdbArgs(data: string, passwordFile: string, { collation }: PostgresOptions): string[] {
  const access = [`--username=${superuser.name}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const text = ["--encoding=UTF8", "--locale=C"];
  if (collation === "linguistic") text.push("--locale-provider=icu", "--icu-locale=en-US");
  return [`--pgdata=${data}`, "--no-sync", ...access, ...text];
}
