import type { BatchOptions, Row, Statement } from "../driver.ts";
import type { PersistError } from "../errors.ts";
import { beginText } from "./begin.ts";
import { type Call, untilAborted } from "./call.ts";
import type { Connection } from "./connection.ts";
import { type ExchangeResult, type PgExchange, type PgWriter, pgExchange } from "./pg-exchange.ts";
import { leftOpen } from "./refused-statement.ts";
import {
  connectFailure,
  connectionLost,
  endsSession,
  type Phase,
  rolledBack,
  type ServerErrorFields,
  serverError,
} from "./server-error.ts";
import { sleep } from "./sleep.ts";

/** What is used of a client of node-postgres, or of Neon's WebSocket client, which is built from it. */
export interface PgClient {
  readonly connection?: PgWriter;
  connect(): Promise<unknown>;
  query(exchange: PgExchange): unknown;
  on(event: "error" | "end", listener: () => void): unknown;
  end(): Promise<void>;
}

type ClientError = Error & ServerErrorFields;

/** How long the server is given to close a connection before it is destroyed. */
const END_TIMEOUT_MS = 1_000;

/** Connects a client. Errors have outcome `not-sent`; a call that is given up takes the socket with it. */
export async function openPgConnection(client: PgClient, call: Call): Promise<Connection> {
  const connection = pgConnection(client);
  try {
    await untilAborted(call, connection.destroy, () => client.connect());
  } catch (error) {
    connection.destroy();
    throw connectFailure(error);
  }
  return connection;
}

/** A connected client as a {@link Connection}. One flight per query and per batch; a second one only to roll back. */
export function pgConnection(client: PgClient): Connection {
  let usable = true;
  const spoil = () => {
    usable = false;
  };
  // Without a listener a lost idle connection would end the process.
  client.on("error", spoil);
  client.on("end", spoil);
  let status = "I";
  client.connection?.on("readyForQuery", (message) => {
    status = message.status;
  });

  function exchange(statements: readonly Statement[]): Promise<ExchangeResult> {
    return new Promise((resolve, reject) => client.query(pgExchange(statements, resolve, reject)));
  }

  function failure(error: ClientError, phase: Phase, sent: boolean): PersistError {
    if (error.code === undefined || error.severity === undefined) {
      spoil();
      return connectionLost(phase, sent, error);
    }
    if (endsSession(error)) spoil();
    return serverError(error, phase);
  }

  async function rollBack(error: ClientError) {
    if (error.severity === undefined || endsSession(error)) return;
    try {
      await exchange([{ text: "rollback", params: [] }]);
    } catch {
      // The session is closed with the transaction still open in it: the server rolls back.
      spoil();
    }
  }

  async function query(statement: Statement, call: Call): Promise<Row[]> {
    const sent = usable;
    call.wasSent = () => sent;
    try {
      const { rows } = await exchange([statement]);
      if (status === "I") return rows[0] ?? [];
    } catch (error) {
      throw failure(error as ClientError, "query", sent);
    }
    spoil();
    throw leftOpen();
  }

  async function batch(statements: readonly Statement[], options: BatchOptions | undefined, call: Call) {
    const sent = usable;
    call.wasSent = () => sent;
    const begin = { text: beginText(options), params: [] };
    const commit = { text: "commit", params: [] };
    let result: ExchangeResult;
    try {
      result = await exchange([begin, ...statements, commit]);
    } catch (error) {
      await rollBack(error as ClientError);
      throw failure(error as ClientError, "batch", sent);
    }
    if (result.tags.at(-1) !== "COMMIT") throw rolledBack();
    if (status !== "I") spoil();
    return result.rows.slice(1, -1);
  }

  function destroy() {
    spoil();
    client.connection?.stream.destroy();
  }

  return {
    query,
    batch,
    isUsable: () => usable,
    destroy,
    async end() {
      if (!usable) return destroy();
      spoil();
      const overdue = new AbortController();
      const waited = sleep(END_TIMEOUT_MS, overdue.signal).then(destroy);
      // The client waits for the server to hang up, which one that cannot be reached never does.
      await Promise.race([client.end().catch(() => undefined), waited]);
      overdue.abort();
    },
  };
}
