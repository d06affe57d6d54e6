import postgresPackage from "postgres";
import type { BatchOptions, Row, Statement } from "../driver.ts";
import { PersistError } from "../errors.ts";
import type { Call } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { ResolvedParameters } from "./connection-parameters.ts";
import { toText } from "./params.ts";
import { appliedSingly, GUARD, GUARDS_SQLSTATE, grouped, lostBeforeCommit, planOf } from "./postgres-batch.ts";
import { nodeSocketFactory } from "./postgres-socket.ts";
import { leftOpen } from "./refused-statement.ts";
import { parsedTypes, parserOf } from "./row-types.ts";
import {
  connectFailure,
  connectionLost,
  endsSession,
  type Phase,
  rolledBack,
  type ServerErrorFields,
  serverError,
} from "./server-error.ts";

/** What a query object of postgres.js 3.4 has beyond its types. `state` is set when its bytes are handed to the socket. */
interface Pending extends PromiseLike<Answer> {
  parameters: (string | null)[];
  readonly state: unknown;
}

type ClientError = Error & { code?: string; severity?: string } & Record<string, unknown>;

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
    if (result?.status !== "fulfilled") throw failure(result?.reason as ClientError, "query", pending.state !== null);
    if (isStream(result.value)) throw copyRefused("query", result.value);
    if (!/^(BEGIN|START TRANSACTION)$/.test(result.value.command ?? "")) return rowsOf(result.value);
    destroy();
    throw leftOpen();
  }

  async function batch(statements: readonly Statement[], options: BatchOptions | undefined, call: Call) {
    const plan = planOf(statements, options, isOpen);
    const begin = issue({ text: plan.begin, params: [] });
    const guard = plan.isGuarded ? [issue({ text: GUARD, params: [] })] : [];
    const body = statements.map(issue);
    const commit = issue({ text: "commit", params: [] });
    const all = [begin, ...guard, ...body, commit];
    const settled = await send(grouped(all, plan.groupSizes), call);

    const stream = settled.filter(isFulfilled).find(({ value }) => isStream(value));
    if (stream) throw copyRefused("batch", stream.value);
    const failed = settled.find((result) => result.status === "rejected");
    if (failed) {
      const error = failed.reason as ClientError;
      const isBegun = settled[0]?.status === "fulfilled";
      const isCommitSent = settled.length === all.length;
      if (isBegun && usable && !isCommitSent && wasAnswered(error)) await rollBack(commit);
      if (isCommitSent && leavesOpen(settled.at(-1))) destroy();
      const verdict = failure(error, "batch", begin.state !== null);
      if (verdict.outcome === "unknown" && commit.state === null) throw lostBeforeCommit(verdict);
      if (isBegun || settled.length === 1 || verdict.outcome === "unknown") throw verdict;
      destroy();
      const isGuarding = plan.isGuarded && settled[1]?.status === "rejected" && hasEndedSession(GUARDS_SQLSTATE);
      const isRefused = settled.slice(1 + guard.length, -1).every(wasRefused);
      throw isGuarding || isRefused ? verdict : appliedSingly(verdict);
    }
    const results = settled.filter(isFulfilled).map(({ value }) => value);
    if (results.at(-1)?.command !== "COMMIT") throw rolledBack();
    return results.slice(1 + guard.length, -1).map(rowsOf);
  }

  /** The server waits for a copy, or sends one: there is no way back to a session of statements. */
  function copyRefused(phase: Phase, stream: Answer): PersistError {
    // Its error comes when the connection ends, and would end the process.
    (stream as unknown as { on(event: "error", listener: () => void): void }).on("error", () => undefined);
    destroy();
    return new PersistError("database", `${phase}: COPY has no stream here; the connection was closed`, {
      outcome: "unknown",
    });
  }

  /** Whether the server ended the session with this. postgres.js forgets what it said when the connection ends. */
  function hasEndedSession(sqlstate: string): boolean {
    return socket?.lastErrors().some(({ severity, code }) => severity === "FATAL" && code === sqlstate) ?? false;
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
      // On a dead line it has written its farewell and waits for the other side to hang up.
      socket?.destroy();
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

/** The server answered that it did not do it. */
function wasRefused(result: Settled): boolean {
  return result.status === "rejected" && wasAnswered(result.reason) && !endsSession(fieldsOf(result.reason));
}

function wasAnswered(error: ClientError): boolean {
  return fieldsOf(error).severity !== undefined;
}

/** A COMMIT that was refused before it was carried out, as by a cancel, leaves the transaction as failed and open. */
function leavesOpen(commit: Settled | undefined): boolean {
  return commit?.status === "rejected" && !/^(23|40)/.test(fieldsOf(commit.reason as ClientError).code ?? "");
}

/** postgres.js answers COPY at once, by a stream. */
function isStream(answer: Answer): boolean {
  return !Array.isArray(answer);
}

function isFulfilled(result: Settled): result is PromiseFulfilledResult<Answer> {
  return result.status === "fulfilled";
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
