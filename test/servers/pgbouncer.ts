import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withFreePort } from "./free-port.ts";
import { createServerFolder } from "./server-folder.ts";
import { startServerProcess } from "./server-process.ts";

export interface PgBouncerOptions {
  /** The Postgres behind it. Its user and password are also the ones that clients give. */
  readonly upstream: { readonly url: string };
  /** Default `transaction`. */
  readonly poolMode?: "transaction" | "session" | "statement";
  /** Server connections per database. Default 20. */
  readonly defaultPoolSize?: number;
  /** More lines for the section `[pgbouncer]`, such as `{ query_wait_timeout: 2 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface PgBouncer {
  /** The upstream's URL with this server's port; any database of the upstream can be named in it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** The end of the server's log. */
  log(): string;
  kill(signal: NodeJS.Signals): void;
  /** Drops every connection at once. Harmless twice. */
  stop(): Promise<void>;
}

/**
 * Starts a PgBouncer of our own on a free port of 127.0.0.1; the one that a package may have started is left alone.
 * Everything not named in the options is PgBouncer's default, so that it refuses what a real one refuses. The same user
 * may ask the database `pgbouncer` for `SHOW POOLS`. Installs the Debian package first when it is missing and we are
 * root.
 * @throws an Error with the command to run when PgBouncer is missing and cannot be installed.
 */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const command = findPgBouncer() ?? installPgBouncer();
  return withFreePort((port) => startOnPort(port, command, options));
}

async function startOnPort(port: number, command: string, options: PgBouncerOptions): Promise<PgBouncer> {
  const upstream = new URL(options.upstream.url);
  const user = decodeURIComponent(upstream.username);
  const folder = await createServerFolder("pgbouncer");
  const settings = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "scram-sha-256",
    auth_file: join(folder.path, "userlist.txt"),
    admin_users: user,
    pool_mode: options.poolMode ?? "transaction",
    default_pool_size: options.defaultPoolSize ?? 20,
    max_client_conn: 1_000,
    ...options.settings,
  };
  const configuration = [
    "[databases]",
    `* = host=${upstream.hostname} port=${upstream.port || 5432}`,
    "[pgbouncer]",
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
  ];
  await writeFile(join(folder.path, "pgbouncer.ini"), `${configuration.join("\n")}\n`);
  // The password itself, not a digest of it: PgBouncer needs it to log in to the upstream by SCRAM.
  await writeFile(settings.auth_file, `"${user}" "${decodeURIComponent(upstream.password)}"\n`);
  const server = await startServerProcess({
    command,
    args: [join(folder.path, "pgbouncer.ini")],
    folder,
    ready: /process up/,
  });
  const url = new URL(upstream);
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return {
    url: url.href,
    host: "127.0.0.1",
    port,
    pid: server.pid,
    log: server.log,
    kill: server.kill,
    // Newer versions wait for their clients on gentler signals, and there is nothing to save.
    stop: () => server.stop("SIGKILL"),
  };
}

function findPgBouncer(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"];
  return folders.map((folder) => join(folder, "pgbouncer")).find((path) => existsSync(path));
}

function installPgBouncer(): string {
  const byHand = "apt-get update && apt-get install -y pgbouncer";
  if (process.getuid?.() !== 0) throw new Error(`PgBouncer is missing, the tests need it; run: sudo sh -c '${byHand}'`);
  process.stderr.write(`PgBouncer is missing; running: ${byHand}\n`);
  // What apt prints goes to stderr, for a reader of our standard output may be a program.
  const install = spawnSync("sh", ["-c", `{ ${byHand}; } >&2`], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const command = install.status === 0 ? findPgBouncer() : undefined;
  if (command === undefined) throw new Error(`PgBouncer is missing and could not be installed; run: ${byHand}`);
  return command;
}
