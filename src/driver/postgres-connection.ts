import postgresPackage from "postgres";
import type { BatchOptions, Row, Statement } from "../driver.ts";
import { PersistError } from "../errors.ts";
import { beginText } from "./begin.ts";
import type { Call } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { ResolvedParameters } from "./connection-parameters.ts";
import { toText } from "./params.ts";
import { nodeSocketFactory } from "./postgres-socket.ts";
import { parsedTypes, parserOf } from "./row-types.ts";
import {
  connectFailure,
  connectionLost,
  endsSession,
  type Phase,
  type ServerErrorFields,
  serverError,
} from "./server-error.ts";

/** What a query object of postgres.js 3.4 has beyond its types. `state` is set when its bytes are handed to the socket. */
interface Pending extends PromiseLike<Answer> {
  parameters: (string | null)[];
  readonly state: unknown;
}

type ClientError = Error & { code?: string; severity?: string } & Record<string, unknown>;

/** A pipeline of more than this could fill the socket's buffer, and postgres.js would hold the rest back. */
const PIPELINE_MAX_CHARS = 8_000;

/**
 * One session of postgres.js that is never re-opened. Left to itself postgres.js connects again and would run what is left of
 * a queued batch on the new session, outside its transaction; so the client has `max: 1`, serves one call at a time, has
 * nothing queued behind an unopened connection, and is ended the moment its connection is gone.
 */
export function postgresConnection(parameters: ResolvedParameters, connectTimeoutMs: number): Connection {
  let usable = true;
  let isOpen = false;
  const socket = nodeSocketFactory(parameters);
  const sql = postgresPackage({
    ...parameters,
    connection: { application_name: parameters.applicationName },
    max: 1,
    prepare: false,
    fetch_types: false,
    connect_timeout: connectTimeoutMs / 1000,
    max_lifetime: null,
    onnotice: () => undefined,
    onclose: destroy,
    types: rowTypes,
    ...(socket && ({ socket: socket.open } as object)),
  });
  allowOneStartup(sql, parameters.applicationName);

  function destroy() {
    usable = false;
    void sql.end({ timeout: 0 }).catch(() => undefined);
    socket?.destroy();
  }

  /**
   * One flight instead of two: postgres.js describes a statement first when it was called with arguments. It is called with
   * none, and the parameters, as text, are put where it keeps them.
   */
  function issue({ text, params }: Statement): Pending {
    const pending = sql.unsafe(text, [], { prepare: false, simple: false } as object) as unknown as Pending;
    pending.parameters = toText(params);
    return pending;
  }

  function failure(error: ClientError, phase: Phase, sent: boolean): PersistError {
    const fields = fieldsOf(error);
    // postgres.js waits for what comes after an error; where the connection ends instead, it forgets what the server said.
    if (fields.severity === undefined) Object.assign(fields, socket?.lastError());
    if (fields.severity === undefined || endsSession(fields)) destroy();
    if (!sent) return connectFailure(fields);
    return fields.severity === undefined ? connectionLost(phase, true, fields) : serverError(fields, phase);
  }

  async function query(statement: Statement, call: Call): Promise<Row[]> {
    const pending = issue(statement);
    const [result] = await send([[pending]], call);
    if (result?.status === "fulfilled") return rowsOf(result.value);
    throw failure(result?.reason as ClientError, "query", pending.state !== null);
  }

  async function batch(statements: readonly Statement[], options: BatchOptions | undefined, call: Call) {
    const begin = issue({ text: beginText(options), params: [] });
    const commit = issue({ text: "commit", params: [] });
    const body = statements.map(issue);
    const settled = await send(groups(begin, body, commit, isOpen, sizeOf(statements)), call);

    const failed = settled.find((result) => result.status === "rejected");
    if (failed) {
      const error = failed.reason as ClientError;
      // Never met, and never to be trusted: without BEGIN the rest would have been committed one by one.
      if (settled[0]?.status === "rejected" && settled.some(isFulfilled)) destroy();
      else if (isOpen && usable && settled.length < body.length + 2) await rollBack(commit);
      throw failure(error, "batch", begin.state !== null);
    }
    const results = settled.filter(isFulfilled).map(({ value }) => value);
    // COMMIT of a transaction that has failed answers ROLLBACK and raises nothing.
    if (results.at(-1)?.command !== "COMMIT") throw rolledBack();
    return results.slice(1, -1).map(rowsOf);
  }

  /** Sends group after group, and no further than the first failure. Queries begin when they are first awaited. */
  async function send(pending: readonly (readonly Pending[])[], call: Call): Promise<Settled[]> {
    const wasSent = () => pending[0]?.[0]?.state !== null;
    call.wasSent = wasSent;
    const opening = isOpen ? undefined : setTimeout(() => wasSent() || destroy(), connectTimeoutMs);
    const settled: Settled[] = [];
    for (const group of pending) {
      settled.push(...(await Promise.allSettled(group)));
      clearTimeout(opening);
      if (!settled.every(isFulfilled)) break;
      isOpen = true;
    }
    return settled;
  }

  /** COMMIT of a failed transaction is a ROLLBACK. A session on which it fails is of no more use. */
  async function rollBack(commit: Pending) {
    const [result] = await Promise.allSettled([commit]);
    if (!isFulfilled(result)) destroy();
  }

  return {
    query,
    batch,
    isUsable: () => usable,
    destroy,
    async end() {
      usable = false;
      await sql.end({ timeout: 1 }).catch(() => undefined);
    },
  };
}

type Answer = Iterable<Row> & { command?: string };
type Settled = PromiseSettledResult<Answer>;

/**
 * postgres.js counts rows per connection and begins anew only when a statement completes: after one that failed behind its first
 * rows, the next begins with as many holes.
 */
function rowsOf(answer: Answer): Row[] {
  return Array.from(answer).filter((row) => row !== undefined);
}

function isFulfilled(result: Settled): result is PromiseFulfilledResult<Answer> {
  return result.status === "fulfilled";
}

/**
 * What is sent together: everything, in one flight. But BEGIN alone while the connection is being opened, since what waits
 * behind it would be run on a second connection if the first one failed; and one by one where it could fill the buffer.
 */
function groups(begin: Pending, body: Pending[], commit: Pending, isOpen: boolean, size: number): Pending[][] {
  if (size > PIPELINE_MAX_CHARS) return [begin, ...body, commit].map((one) => [one]);
  return isOpen ? [[begin, ...body, commit]] : [[begin], [...body, commit]];
}

function sizeOf(statements: readonly Statement[]): number {
  return statements.reduce((sum, { text, params }) => sum + text.length + toText(params).join("").length, 0);
}

function rolledBack(): PersistError {
  return new PersistError("database", "batch: the server rolled the transaction back", { outcome: "rolled-back" });
}

/** postgres.js would parse times and bytes its own way; here every type becomes what `row-types.ts` says. */
const rowTypes = Object.fromEntries(
  [17, 26, 1082, 1114, 1184, ...parsedTypes].map((oid) => [
    `oid${oid}`,
    { to: oid, from: [oid], serialize: String, parse: parserOf(oid) },
  ]),
);

/**
 * When a server accepts and closes at once, postgres.js connects again without pause or end, whatever `connect_timeout` says.
 * It builds the startup message anew for each attempt, so the second attempt can be made to fail there.
 */
function allowOneStartup(sql: postgresPackage.Sql, applicationName: string) {
  let attempts = 0;
  Object.defineProperty(sql.options.connection, "application_name", {
    enumerable: true,
    get() {
      attempts += 1;
      if (attempts > 1) throw new Error("the server closed the connection while it was being opened");
      return applicationName;
    },
  });
}

function fieldsOf(error: ClientError): ServerErrorFields & Error {
  const text = (name: string) => (typeof error[name] === "string" ? error[name] : undefined);
  return Object.assign(new Error(error.message), {
    code: error.code,
    // PgBouncer sends only the field that may be translated.
    severity: error.severity ?? text("severity_local"),
    detail: text("detail"),
    schema: text("schema_name"),
    table: text("table_name"),
    column: text("column_name"),
    constraint: text("constraint_name"),
    routine: text("routine"),
  });
}
