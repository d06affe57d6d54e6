import { ValidationError } from "../errors.ts";

/** The drivers that `createStore` picks from. Each is loaded from `onetrip/<name>`. */
export type DriverName = "neon-http" | "postgres" | "pglite";

/**
 * The driver for a connection string, by a rule and not by a guess:
 *
 * | connection string | driver |
 * |---|---|
 * | `postgres://` or `postgresql://`, host below `neon.tech` or `neon.build` | `neon-http` |
 * | `postgres://` or `postgresql://`, any other host | `postgres` |
 * | `pglite:`, then a folder, or a URL such as `memory://` or `idb://name`, or nothing (in memory) | `pglite` |
 *
 * @throws ValidationError for anything else
 */
export function driverForUrl(url: string): DriverName {
  if (/^pglite:/i.test(url)) return "pglite";
  const host = hostOf(url);
  if (host === undefined) {
    throw new ValidationError(
      "connectionString: expected postgresql://user:password@host/database or pglite:folder; in user and password percent-encode characters such as @ / # ?",
    );
  }
  return /(^|\.)neon\.(tech|build)$/i.test(host) ? "neon-http" : "postgres";
}

/** Without ever quoting the URL, as the error of `new URL` would: it holds the password. */
function hostOf(url: string): string | undefined {
  if (typeof url !== "string" || !/^postgres(ql)?:\/\//i.test(url) || !URL.canParse(url)) return undefined;
  return new URL(url).hostname.replace(/\.$/, "");
}
