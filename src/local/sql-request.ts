import type { IncomingHttpHeaders } from "node:http";
import { type Credentials, credentialsFrom, refusal } from "./credentials.ts";
import { toParameter } from "./parameter.ts";
import { SqlRefusal } from "./sql-refusal.ts";

/** A request to `/sql`: one statement, or a batch that is one transaction. */
export interface SqlRequest {
  readonly kind: "single" | "batch";
  readonly database: string;
  readonly statements: readonly SqlStatement[];
  /** Opens the transaction of a batch. */
  readonly begin: string;
  /** What the answer to a batch repeats of the request's headers. */
  readonly echo: Readonly<Record<string, string>>;
}

export interface SqlStatement {
  readonly text: string;
  readonly params: readonly (string | null)[];
  /** Rows as arrays, or as objects by column name. */
  readonly arrayMode: boolean;
  /** Values as PostgreSQL writes them, or turned into JSON. */
  readonly rawText: boolean;
}

/** Throws the refusal that the proxy would answer with. Headers other than the exact text `true` mean false. */
export function parseSqlRequest(headers: IncomingHttpHeaders, body: string, expected: Credentials): SqlRequest {
  const { database } = checkCredentials(headers, expected);
  const modes = { arrayMode: isTrue(headers, "neon-array-mode"), rawText: isTrue(headers, "neon-raw-text-output") };
  const transaction = parseTransaction(headers);
  const payload = parseJson(body);
  const queries = property(payload, "queries");
  if (Array.isArray(queries)) {
    const statements = queries.map((query) => parseStatement(query, modes));
    return { kind: "batch", database, statements, ...transaction };
  }
  return { kind: "single", database, statements: [parseStatement(payload, modes)], ...transaction };
}

type Modes = Pick<SqlStatement, "arrayMode" | "rawText">;

function checkCredentials(headers: IncomingHttpHeaders, expected: Credentials): Credentials {
  const header = headers["neon-connection-string"];
  if (typeof header !== "string") {
    throw new SqlRefusal(400, "missing header Neon-Connection-String");
  }
  const offered = credentialsFrom(header);
  if (offered === undefined) {
    throw new SqlRefusal(400, "the header Neon-Connection-String is not a postgresql:// URL with a database");
  }
  const refused = refusal(expected, offered);
  if (refused !== undefined) {
    throw new SqlRefusal(400, refused.message, refused.code);
  }
  return offered;
}

const isolationLevels: ReadonlyMap<unknown, string> = new Map([
  ["ReadUncommitted", "read uncommitted"],
  ["ReadCommitted", "read committed"],
  ["RepeatableRead", "repeatable read"],
  ["Serializable", "serializable"],
]);

function parseTransaction(headers: IncomingHttpHeaders): Pick<SqlRequest, "begin" | "echo"> {
  const begin = ["begin"];
  const echo: Record<string, string> = {};
  const level = headers["neon-batch-isolation-level"];
  if (typeof level === "string") {
    const isolation = isolationLevels.get(level);
    if (isolation === undefined) {
      throw new SqlRefusal(400, "invalid isolation level");
    }
    begin.push(`isolation level ${isolation}`);
    echo["Neon-Batch-Isolation-Level"] = level;
  }
  if (isTrue(headers, "neon-batch-read-only")) {
    begin.push("read only");
    echo["Neon-Batch-Read-Only"] = "true";
  }
  if (isTrue(headers, "neon-batch-deferrable")) {
    begin.push("deferrable");
    echo["Neon-Batch-Deferrable"] = "true";
  }
  return { begin: begin.join(" "), echo };
}

function parseStatement(json: unknown, modes: Modes): SqlStatement {
  const text = property(json, "query");
  const params = property(json, "params") ?? [];
  const arrayMode = property(json, "arrayMode");
  if (typeof text !== "string" || !Array.isArray(params)) {
    throw new SqlRefusal(400, "the body must be {query, params} or {queries: [{query, params}]}");
  }
  return {
    ...modes,
    text,
    params: params.map(toParameter),
    arrayMode: typeof arrayMode === "boolean" ? arrayMode : modes.arrayMode,
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new SqlRefusal(400, "the body is not JSON", "", { cause });
  }
}

function isTrue(headers: IncomingHttpHeaders, name: string): boolean {
  return headers[name] === "true";
}

function property(json: unknown, name: string): unknown {
  return json !== null && typeof json === "object" ? Reflect.get(json, name) : undefined;
}
