import type { BatchOptions, CallOptions, Driver, Row, Statement } from "../driver.ts";
import { PersistError } from "../errors.ts";
import { bounded, type Call, untilAborted } from "./call.ts";
import { checkStatement } from "./refused-statement.ts";

/** A session with the server, used by one call at a time. */
export interface Connection {
  query(statement: Statement, call: Call): Promise<Row[]>;
  batch(statements: readonly Statement[], options: BatchOptions | undefined, call: Call): Promise<Row[][]>;
  /** False after anything that leaves its state in doubt. Such a connection is destroyed, never used again. */
  isUsable(): boolean;
  /** At once, without waiting for the server. What is in flight is lost. */
  destroy(): void;
  /** Politely. May wait for the server. */
  end(): Promise<void>;
}

/** Lends connections, each to one call at a time. */
export interface Lender {
  /** Waits for a free connection or opens one; gives up when `call.signal` aborts. Errors have outcome `not-sent`. */
  lend(call: Call): Promise<Connection>;
  giveBack(connection: Connection): void;
  close(): Promise<void>;
}

/** The driver over sessions: everything but how one is opened. */
export function connectionDriver(name: string, lender: Lender, timeoutMs: number): Driver {
  let closing: Promise<void> | undefined;

  function use<T>(what: string, options: CallOptions | undefined, work: (c: Connection, call: Call) => Promise<T>) {
    if (closing) return Promise.reject(closed(what));
    return bounded(what, options, timeoutMs, async (call) => {
      const connection = await lender.lend(call);
      try {
        return await untilAborted(call, connection.destroy, () => work(connection, call));
      } finally {
        lender.giveBack(connection);
      }
    });
  }

  return {
    name,
    timeoutMs,
    async query(statement, options) {
      checkStatement(statement, `${name} query`);
      return use(`${name} query`, options, (connection, call) => connection.query(statement, call));
    },
    async batch(statements, options) {
      for (const statement of statements) checkStatement(statement, `${name} batch`);
      if (statements.length === 0) return [];
      return use(`${name} batch`, options, (connection, call) => connection.batch(statements, options, call));
    },
    close() {
      closing ??= lender.close();
      return closing;
    },
  };
}

/** A call on a driver after its `close`. */
export function closed(what: string): PersistError {
  return new PersistError("closed", `${what}: the driver was closed; open a new one for this request`, {
    outcome: "not-sent",
  });
}
