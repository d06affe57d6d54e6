import { UsageError } from "./command-errors.ts";

/** What a command was given besides its options. */
export interface Operands {
  readonly url: string;
  readonly rest: readonly string[];
}

/**
 * The database is the first argument that is a URL where one is expected, else `DATABASE_URL`.
 *
 * @param names of the arguments that follow it, or stand before it; one in brackets may be left out, one with dots repeats
 * @param at the place of the URL among the arguments. Default 0
 * @throws UsageError when the database or an argument is missing, or there is one too many
 */
export function takeOperands(
  given: readonly string[],
  names: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  at = 0,
): Operands {
  const named = given[at];
  // Behind other arguments it may be the next one that is a URL: then their number decides.
  const isGiven = named !== undefined && isDatabaseUrl(named) && (at === 0 || given.length > names.length);
  const url = isGiven ? named : env["DATABASE_URL"];
  const rest = isGiven ? given.toSpliced(at, 1) : given;
  if (url === undefined || url === "") {
    if (given.length > names.length) {
      throw new UsageError("the URL of the database begins with postgresql:// or pglite:");
    }
    throw new UsageError("which database? Give its URL, postgresql:// or pglite:, or set DATABASE_URL");
  }
  if (!isDatabaseUrl(url)) throw new UsageError("DATABASE_URL: expected postgresql://… or pglite:…");
  const missing = names[rest.length];
  if (missing !== undefined && !missing.startsWith("[")) throw new UsageError(`missing argument: ${missing}`);
  if (rest.length > names.length && !names.at(-1)?.includes("...")) {
    const hint =
      given.length > 0 && !isGiven ? "; is the first one a URL that begins with postgresql:// or pglite:?" : "";
    throw new UsageError(`too many arguments${hint}`);
  }
  return { url, rest };
}

export function isDatabaseUrl(text: string): boolean {
  return /^(postgres(ql)?:\/\/|pglite:)/i.test(text);
}

/** The folder of a `pglite:` URL; undefined for any other. */
export function pgliteFolder(url: string): string | undefined {
  return /^pglite:/i.test(url) ? url.slice("pglite:".length) : undefined;
}

/** Where a URL points to, for a person to recognise: never its password, nor its query. */
export function shownUrl(url: string): string {
  const folder = pgliteFolder(url);
  if (folder !== undefined) return `pglite:${folder}`;
  if (!URL.canParse(url)) return "the database";
  const { hostname, port, pathname, username } = new URL(url);
  const database = decoded(pathname.slice(1));
  // A password with a slash in it that was not encoded would be read as host, port and path.
  if (/[@/]/.test(database)) return "the database";
  return `${decoded(username) || "postgres"}@${hostname || "localhost"}:${port || 5432}${database && `/${database}`}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
