import { join, relative } from "node:path";
import { startLocalNeon } from "onetrip/local";
import { commands } from "./start/commands.ts";
import { audience, developmentToken, issuer } from "./start/development-token.ts";
import { startDevelopmentWorker } from "./start/development-worker.ts";
import { portOrFree } from "./start/free-port.ts";
import { help, readOptions, type StartOptions } from "./start/options.ts";
import { takeStateFolder } from "./start/state-folder.ts";
import { steps } from "./start/steps.ts";

const root = join(import.meta.dirname, "..");
const closers: (() => Promise<void> | void)[] = [];
let isStopping = false;

const options = readOptions(process.argv.slice(2));
if (options === "help") {
  process.stdout.write(help);
} else if ("fault" in options) {
  process.stderr.write(`${options.fault}\nnpm start -- --help shows the options.\n`);
  process.exitCode = 2;
} else {
  stopOnSignals();
  await start(options).catch(async (error: unknown) => {
    process.stderr.write(`\n${error instanceof Error ? error.message : "npm start failed"}\n`);
    await stop(1);
  });
}

async function start(options: StartOptions): Promise<void> {
  const startedAt = performance.now();
  const folder = takeFolder(options);
  const { run } = steps(process.stdout);
  process.stdout.write("onetrip\n\n");

  const endpoint = await openDatabase(options, folder, run);
  const token = await developmentToken(folder, new Date());
  const port = await portOrFree(options.port);
  if (port !== options.port && options.port !== 0) {
    process.stdout.write(`  port      ${options.port} is taken, using ${port}\n`);
  }
  const worker = await run("worker", `in workerd, driver ${options.driver}`, () =>
    startDevelopmentWorker({
      root,
      port,
      logFolder: folder,
      variables: {
        DATABASE_URL: endpoint,
        DATABASE_DRIVER: options.driver,
        PUBLIC_JWK: token.publicJwk,
        TOKEN_ISSUER: issuer,
        TOKEN_AUDIENCE: audience,
      },
    }),
  );
  closers.push(worker.close);
  // The worker's package ends the process at the first signal, before the database is closed.
  stopOnSignals();
  await run("health", "one statement through the worker", () => checkHealth(worker.url));

  const url = `http://127.0.0.1:${worker.url.port}`;
  const shown = (path: string) => relative(process.cwd(), path);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`
Ready in ${seconds} s: ${url}

Token in ${shown(join(folder, "token"))}: subject developer, all scopes, all stores, until ${token.expiresAt.toISOString().slice(0, 10)}

Try it, in another terminal:

${commands(url, shown(token.headersFile)).join("\n")}

Ctrl+C stops it. ${options.database ? "The data stays on the server." : "The data stays in .onetrip/; npm start -- --reset begins anew."}
`);
}

function takeFolder(options: StartOptions): string {
  const folder = takeStateFolder(join(root, ".onetrip"));
  if ("takenBy" in folder) {
    throw new Error(
      `.onetrip/ is in use by another npm start (process ${folder.takenBy}). Stop that one first: kill ${folder.takenBy}. If it is no npm start, delete .onetrip/lock.`,
    );
  }
  closers.push(folder.release);
  if (options.reset) folder.wipe();
  return folder.path;
}

/** The URL for the worker: that of the local Neon endpoint, or the server's own for the drivers that speak TCP. */
async function openDatabase(
  { database, driver }: StartOptions,
  folder: string,
  run: ReturnType<typeof steps>["run"],
): Promise<string> {
  if (database !== undefined && !driver.startsWith("neon-")) return database;
  const detail = database ? "the server, behind a local Neon endpoint" : "PGlite in .onetrip/database";
  const endpoint = await run("database", detail, () =>
    startLocalNeon({ database: database ?? `pglite:${join(folder, "database")}` }),
  );
  closers.push(endpoint.close);
  return endpoint.url;
}

async function checkHealth(url: URL): Promise<void> {
  const response = await fetch(new URL("/healthz", url));
  if (response.ok) return;
  const { detail } = (await response.json()) as { detail?: string };
  throw new Error(`The worker runs, but its database does not answer: ${detail ?? response.status}
Check that the server is up and that host, user, password and database in --database are right.`);
}

function stopOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => void stop(0));
  }
}

/**
 * Closes what was opened, last first. Signals that come meanwhile change nothing: npm passes on what the terminal has sent
 * to this process already.
 */
async function stop(exitCode: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  setTimeout(() => process.exit(1), 10_000).unref();
  for (const close of closers.splice(0).reverse()) await close();
  process.exit(exitCode);
}
