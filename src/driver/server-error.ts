import { ConnectionError, type Outcome, PersistError } from "../errors.ts";

/** What a driver could read of PostgreSQL's ErrorResponse. Names follow the protocol's error fields. */
export interface ServerErrorFields {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly severity?: string | undefined;
  readonly detail?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly dataType?: string | undefined;
  readonly constraint?: string | undefined;
  readonly routine?: string | undefined;
}

/** When the server spoke: while connecting, about a lone statement, or about one of a transaction. */
export type Phase = "connect" | "query" | "batch";

/** SQLSTATEs that this package's own SQL functions raise. Their DETAIL holds no data and is passed on. */
const OWN_CLASS = "OT";

/** Class 22 quotes the value that it refuses; the others name tables, columns and roles. */
const QUOTES_VALUES = /^22/;

/** Serialization failure, deadlock, lock or statement timeout, too many connections, starting up. */
const TRANSIENT = /^(40001|40P01|55P03|57014|53...|57P03)$/;

/** The session ended, or the pooler lost it, while a statement may have been under way. */
const SESSION_LOST = /^(57P01|57P02|57P05|08...)$/;

/** A session was refused: too many connections, or starting up. Over HTTP and through a pooler it answers a statement. */
const SESSION_REFUSED = /^(53300|57P03)$/;

/** A session was refused for good: who connects, or to which database. */
const LOGIN_REFUSED = /^(28...|3D...|42...)$/;

/** What PgBouncer says (always as 08P01) before a statement has reached the server. */
const POOLER_BUSY =
  /query_wait_timeout|no more connections allowed|pooler is (?:shutting|shut) down|server login has been failing/i;
const POOLER_REFUSED =
  /unsupported startup parameter|no such (?:database|user)|database .* is disabled|auth|not allowed/i;

/**
 * Turns PostgreSQL's or the pooler's own word into an error. `cause` carries the fields that name things, never those that
 * quote data (DETAIL, HINT, WHERE, the statement, its parameters).
 */
export function serverError(fields: ServerErrorFields, phase: Phase): PersistError {
  const sqlstate = fields.code ?? "";
  const message = `${phase}: ${describe(sqlstate, fields)}`;
  const { outcome, retryable } = judge(fields, phase);
  const options = { outcome, retryable, sqlstate, cause: namesOf(fields) };
  return endsSession(fields) || SESSION_REFUSED.test(sqlstate) || phase === "connect"
    ? new ConnectionError(message, options)
    : new PersistError("database", message, options);
}

/**
 * Whether it was PostgreSQL or a pooler that spoke, and not the client or its runtime, whose errors have a `code` too: EPIPE looks
 * like a SQLSTATE. Whoever speaks says how severe it is.
 */
export function isServersWord({ code, severity }: ServerErrorFields): boolean {
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && typeof severity === "string" && severity !== "";
}

/** Whether the connection that brought this error can be used again. */
export function endsSession(fields: ServerErrorFields): boolean {
  return isFatal(fields) || losesSession(fields);
}

function isFatal({ severity }: ServerErrorFields): boolean {
  return severity === "FATAL" || severity === "PANIC";
}

/** Not so when a routine of the server's own reports it as a plain error: of a message it could not read, or of another server. */
function losesSession({ code = "", severity, routine }: ServerErrorFields): boolean {
  return SESSION_LOST.test(code) && !(code.startsWith("08") && severity === "ERROR" && routine);
}

/** COMMIT of a transaction that has failed answers ROLLBACK, and raises nothing. */
export function rolledBack(): PersistError {
  return new PersistError("database", "batch: the server rolled the transaction back", { outcome: "rolled-back" });
}

/** A connection could not be opened: refused by the server, or the server was not reached. Nothing was sent. */
export function connectFailure(error: unknown): PersistError {
  const fields = error as ServerErrorFields;
  return fields.severity ? serverError(fields, "connect") : connectionLost("connect", false, error);
}

/** The connection failed under a statement, without a word of the server. `sent` decides the outcome. */
export function connectionLost(what: string, sent: boolean, cause: unknown): ConnectionError {
  const hint = sent
    ? "the connection was lost: the write may have been applied"
    : "the server could not be reached; check host, port and TLS settings";
  return new ConnectionError(`${what}: ${hint}`, { outcome: sent ? "unknown" : "not-sent", cause: scrubbed(cause) });
}

/**
 * A copy of a driver's error without what must not be logged: connection strings and, as some drivers attach them, the
 * statement and its parameters.
 */
export function scrubbed(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  const copy = new Error(error.message.replace(/\bpostgres(?:ql)?:\/\/\S+/gi, "postgresql://…"));
  copy.name = error.name;
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" ? Object.assign(copy, { code }) : copy;
}

function describe(sqlstate: string, fields: ServerErrorFields): string {
  if (QUOTES_VALUES.test(sqlstate)) return `the server refused a value (SQLSTATE ${sqlstate})`;
  return `${fields.message || "the server failed"}${sqlstate ? ` (SQLSTATE ${sqlstate})` : ""}`;
}

/** What ends a session may come after a commit, before its answer: as PANIC whatever its SQLSTATE, and mostly as FATAL. */
function judge(fields: ServerErrorFields, phase: Phase): { outcome: Outcome; retryable: boolean } {
  const { code: sqlstate = "", message = "", severity } = fields;
  if (phase === "connect") {
    const permanent = LOGIN_REFUSED.test(sqlstate) || (sqlstate === "08P01" && POOLER_REFUSED.test(message));
    return { outcome: "not-sent", retryable: !permanent };
  }
  if (severity === "PANIC") return { outcome: "unknown", retryable: true };
  if (losesSession(fields)) {
    if (sqlstate === "08P01" && POOLER_BUSY.test(message)) return { outcome: "not-sent", retryable: true };
    if (sqlstate === "08P01" && POOLER_REFUSED.test(message)) return { outcome: "not-sent", retryable: false };
    return { outcome: "unknown", retryable: true };
  }
  if (SESSION_REFUSED.test(sqlstate)) return { outcome: "rejected", retryable: true };
  if (isFatal(fields) && !LOGIN_REFUSED.test(sqlstate)) return { outcome: "unknown", retryable: true };
  return { outcome: phase === "batch" ? "rolled-back" : "rejected", retryable: TRANSIENT.test(sqlstate) };
}

function namesOf(fields: ServerErrorFields): ServerErrorFields {
  const { code, severity, schema, table, column, dataType, constraint, routine } = fields;
  const detail = code?.startsWith(OWN_CLASS) ? fields.detail : undefined;
  return { code, severity, schema, table, column, dataType, constraint, routine, detail };
}
