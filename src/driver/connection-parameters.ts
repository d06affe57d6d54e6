import { ValidationError } from "../errors.ts";
import { nameOf, tlsOfUrl } from "./tls-of-url.ts";
import type { WarningListener } from "./warning.ts";

export interface TlsOptions {
  /** Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** PEM text of the authority to trust. */
  readonly ca?: string | undefined;
}

/** Where a server is and who connects. What is left out: localhost, 5432, the user's name as database, no password, no TLS. */
export interface ConnectionParameters {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly ssl?: boolean | TlsOptions | undefined;
  readonly applicationName?: string | undefined;
}

export interface ResolvedParameters {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly ssl: false | TlsOptions;
  readonly applicationName: string;
}

/**
 * Reads a `postgresql://` URL or parameters. Only what a pooler accepts at startup is kept: other keys of the URL
 * (`pgbouncer`, `channel_binding`, `options`, …) would become startup parameters, which PgBouncer refuses. They are left out, and
 * `onWarning` is told their names.
 *
 * `sslmode` `require`, `verify-ca` and `verify-full`, and `ssl=true`, all mean TLS with the certificate checked; `no-verify` means
 * TLS without that check; `disable`, `allow`, `prefer` or none means no TLS.
 *
 * @throws ValidationError when it cannot be read, or asks for a kind of TLS that is not to be had here
 */
export function resolveParameters(
  connection: string | ConnectionParameters,
  onWarning?: WarningListener | undefined,
): ResolvedParameters {
  const given = typeof connection === "string" ? fromUrl(connection, onWarning) : connection;
  const user = given.user ?? "postgres";
  return {
    host: given.host ?? "localhost",
    port: given.port ?? 5432,
    database: given.database ?? user,
    user,
    password: given.password ?? "",
    ssl: given.ssl === true ? {} : given.ssl || false,
    applicationName: given.applicationName ?? "onetrip",
  };
}

/** Whether a host is this machine, where the local Neon endpoint listens. */
export function isLocalHost(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?|(.+\.)?localtest\.me)$/i.test(host);
}

/** Parses without ever quoting the URL, which holds the password. */
export function parseUrl(text: string): URL {
  if (/^postgres(ql)?:\/\//i.test(text)) {
    try {
      const url = new URL(text);
      for (const part of [url.username, url.password, url.pathname]) decodeURIComponent(part);
      return url;
    } catch {
      // Falls through to the one message: an error's own may quote the text.
    }
  }
  throw new ValidationError(
    "connection string: expected postgresql://user:password@host:port/database; characters such as @ / # % in the password must be percent-encoded",
  );
}

function fromUrl(text: string, onWarning: WarningListener | undefined): ConnectionParameters {
  const url = parseUrl(text);
  const { ssl, used } = tlsOfUrl(url.searchParams);
  warnOfKeys(url, new Set([...used, "sslmode", "application_name"]), onWarning);
  return {
    host: url.hostname === "" ? undefined : url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? undefined : Number(url.port),
    database: decodeURIComponent(url.pathname.slice(1)) || undefined,
    user: decodeURIComponent(url.username) || undefined,
    password: decodeURIComponent(url.password) || undefined,
    ssl,
    applicationName: url.searchParams.get("application_name") ?? undefined,
  };
}

function warnOfKeys({ searchParams }: URL, usedKeys: ReadonlySet<string>, onWarning: WarningListener | undefined) {
  const leftOut = [...new Set(searchParams.keys())].filter((key) => !usedKeys.has(key));
  if (leftOut.length === 0) return;
  onWarning?.({
    code: "url-keys-left-out",
    message: `connection string: ${leftOut.map(nameOf).join(", ")}: left out, since PgBouncer refuses it at startup; set it for the role instead: alter role … set …`,
  });
}
