import { tlsOfUrl } from "../../driver/tls-of-url.ts";
import type { Finding } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** What of the URL's query is used, and what is left out? Names alone are shown: values may be secret. */
export async function urlKeys({ url, transport }: Subject): Promise<Finding | undefined> {
  if (transport === "embedded") return undefined;
  const { searchParams } = new URL(url);
  const keys = [...new Set(searchParams.keys())].map((key) => key.slice(0, 40));
  const dropped = keys.filter((key) => !used.has(key));
  const lost = dropped.filter((key) => settings.has(key));
  const isOffOnPurpose = searchParams.get("sslmode") === "disable";
  const data = { used: keys.filter((key) => used.has(key)), dropped };
  if (transport === "tcp" && !isOffOnPurpose && searchParams.has("sslmode") && !tlsOfUrl(searchParams).ssl) {
    return {
      id: "url-keys",
      level: "warning",
      found: "sslmode has a value that means no TLS here",
      change: "write sslmode=require, or verify-full: both check the certificate",
      data,
    };
  }
  if (lost.length > 0) {
    return {
      id: "url-keys",
      level: "warning",
      found: `${lost.join(", ")}: left out by onetrip, since PgBouncer refuses it at startup; it has no effect`,
      change: "take it out of the URL, and set it for the role: alter role … set …",
      data,
    };
  }
  if (dropped.length > 0) {
    return {
      id: "url-keys",
      level: "advice",
      found: `${dropped.join(", ")}: left out by onetrip; other clients send it at startup, where PgBouncer refuses it`,
      change: "take it out of the URL unless another client needs it",
      data,
    };
  }
  return {
    id: "url-keys",
    level: "ok",
    found: keys.length === 0 ? "the URL has no query" : `${keys.join(", ")}: used`,
    data,
  };
}

const used: ReadonlySet<string> = new Set(["sslmode", "ssl", "application_name"]);

/** Those that somebody wrote because they should have an effect. */
const settings: ReadonlySet<string> = new Set([
  "options",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "search_path",
  "schema",
  "timezone",
  "TimeZone",
  "sslrootcert",
  "sslcert",
  "sslkey",
  "target_session_attrs",
]);
