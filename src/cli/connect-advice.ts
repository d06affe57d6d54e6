import { PersistError } from "../errors.ts";

/** Why no connection came about, in words for whoever can change it. */
export interface ConnectAdvice {
  readonly kind: ConnectProblem;
  readonly what: string;
  readonly next: string;
}

export type ConnectProblem =
  | "refused"
  | "unknown-host"
  | "no-answer"
  | "hung-up"
  | "password"
  | "not-allowed"
  | "no-database"
  | "full"
  | "starting"
  | "certificate"
  | "no-tls"
  | "startup-parameter"
  | "other";

/** Reads what the system, the server or the pooler said. Never quotes it: it may name what is secret. */
export function connectAdvice(error: unknown): ConnectAdvice {
  const { code, message, sqlstate } = signsOf(error);
  const found = signs.find(
    ({ codes, sqlstates, pattern }) =>
      codes?.includes(code) || sqlstates?.includes(sqlstate) || (pattern?.test(message) ?? false),
  );
  return found?.advice ?? other;
}

interface Sign {
  readonly codes?: readonly string[];
  readonly sqlstates?: readonly string[];
  readonly pattern?: RegExp;
  readonly advice: ConnectAdvice;
}

/** The first that fits. A pooler says everything as 08P01, so its words come before the SQLSTATEs of a server. */
const signs: readonly Sign[] = [
  {
    codes: ["ECONNREFUSED"],
    advice: {
      kind: "refused",
      what: "nothing listens on this port",
      next: "start the server, or correct host and port in the URL",
    },
  },
  {
    codes: ["ENOTFOUND", "EAI_AGAIN"],
    advice: {
      kind: "unknown-host",
      what: "the host's name is not known",
      next: "correct the host in the URL, or the name service of this machine",
    },
  },
  {
    pattern: /unsupported startup parameter/i,
    advice: {
      kind: "startup-parameter",
      what: "the pooler refused a startup parameter",
      next: "take what is not needed out of the URL's query, or add it to ignore_startup_parameters of the pooler",
    },
  },
  {
    sqlstates: ["28P01"],
    pattern: /password authentication failed|SASL authentication failed|wrong password|auth(?:entication)? failed/i,
    advice: {
      kind: "password",
      what: "user or password was refused",
      next: "correct them in the URL; characters such as @ / # ? must be percent-encoded",
    },
  },
  {
    sqlstates: ["3D000"],
    pattern: /no such database|database .* does not exist/i,
    advice: {
      kind: "no-database",
      what: "there is no database of that name",
      next: "correct the name at the end of the URL, or create it: create database …",
    },
  },
  {
    sqlstates: ["28000"],
    pattern: /no pg_hba\.conf entry|no such user|not allowed/i,
    advice: {
      kind: "not-allowed",
      what: "the server does not let this user in from here",
      next: "allow it in pg_hba.conf (or the pooler's user list); if it asks for TLS, add ?sslmode=require to the URL",
    },
  },
  {
    sqlstates: ["53300"],
    pattern: /too many (?:clients|connections)|no more connections allowed|query_wait_timeout/i,
    advice: {
      kind: "full",
      what: "the server has no connection left",
      next: "try again later; put PgBouncer in front, or raise max_connections",
    },
  },
  {
    sqlstates: ["57P03"],
    advice: { kind: "starting", what: "the server is starting up", next: "try again in a moment" },
  },
  {
    codes: ["CERT_HAS_EXPIRED", "ERR_TLS_CERT_ALTNAME_INVALID"],
    pattern: /self.signed|unable to (?:verify|get)|certificate/i,
    advice: {
      kind: "certificate",
      what: "the server's certificate is not trusted",
      next: "name its authority in NODE_EXTRA_CA_CERTS; sslmode=no-verify gives up the check, and with it the protection",
    },
  },
  {
    pattern: /does not support SSL/i,
    advice: {
      kind: "no-tls",
      what: "the server does not offer TLS, and the URL asks for it",
      next: "turn TLS on at the server; on a network that is your own alone, take sslmode out of the URL",
    },
  },
  {
    codes: ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT", "onetrip-timeout"],
    pattern: /timeout expired/i,
    advice: {
      kind: "no-answer",
      what: "no answer in time",
      next: "check host and port, and whether a firewall is in between; --timeout gives it longer",
    },
  },
  {
    codes: ["ECONNRESET", "EPIPE"],
    pattern: /terminated unexpectedly|closed the connection|socket hang up/i,
    advice: {
      kind: "hung-up",
      what: "somebody answers on this port, and hangs up",
      next: "check that the port is that of PostgreSQL or PgBouncer",
    },
  },
];

const other: ConnectAdvice = {
  kind: "other",
  what: "the server could not be reached",
  next: "check host, port, user, database and TLS settings in the URL",
};

function signsOf(error: unknown): { readonly code: string; readonly message: string; readonly sqlstate: string } {
  const messages: string[] = [];
  let code = "";
  let sqlstate = "";
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    messages.push(at.message);
    if (at instanceof PersistError) {
      sqlstate ||= at.sqlstate ?? "";
      if (at.code === "timeout") code ||= "onetrip-timeout";
    } else if ("code" in at && typeof at.code === "string") {
      code ||= at.code;
      // A client's own error carries the SQLSTATE as its code.
      if (/^[0-9A-Z]{5}$/.test(at.code)) sqlstate ||= at.code;
    }
  }
  return { code, sqlstate, message: messages.join("\n") };
}
