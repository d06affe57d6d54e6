/**
 * The first seam: what the library asks of a database driver. Non-interactive by design: a transaction is a list of
 * statements that is decided before the first one is sent, because that is what HTTP can do.
 */

/** A bound parameter. Objects and arrays travel as JSON text, times and 64-bit numbers as text. */
export type Param = string | number | boolean | null;

/**
 * One row, by column name. Ask for types on which all drivers agree: text, int4, float8, bool, uuid and jsonb.
 * Cast int8 and timestamps to text in the statement.
 */
export type Row = Readonly<Record<string, unknown>>;

/** One SQL statement with `$1`, `$2` … for its parameters. */
export interface Statement {
  readonly text: string;
  readonly params: readonly Param[];
}

export interface CallOptions {
  /** Ends the wait. What had been sent may still be applied: the error says so. */
  readonly signal?: AbortSignal | undefined;
  /** One deadline for the whole call, in milliseconds: waiting for a connection, connecting, the statement. */
  readonly timeoutMs?: number | undefined;
}

export type IsolationLevel = "read committed" | "repeatable read" | "serializable";

export interface BatchOptions extends CallOptions {
  /** Default `read committed`. Always sent, so that no server setting changes it. */
  readonly isolation?: IsolationLevel | undefined;
  /** Refuse writes with SQLSTATE 25006. Default false. */
  readonly readOnly?: boolean | undefined;
}

export interface Driver {
  /** For events and messages: `neon-http`, `postgres` … */
  readonly name: string;
  /** Deadline of a call that names none, in milliseconds. Whoever wraps a driver passes it on. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** One statement, one round trip. */
  query(statement: Statement, options?: CallOptions): Promise<Row[]>;
  /** One transaction, all or none; rows per statement, in order. An empty list is `[]` and sends nothing. */
  batch(statements: readonly Statement[], options?: BatchOptions): Promise<Row[][]>;
  /** Releases what the driver opened. Harmless twice; a call after it fails with code `closed`. */
  close(): Promise<void>;
}
