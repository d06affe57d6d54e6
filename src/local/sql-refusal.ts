/** The endpoint's own no, before or after PostgreSQL was asked. The message never holds credentials or values. */
export class SqlRefusal extends Error {
  readonly status: number;
  /** SQLSTATE, or empty as in the proxy's own errors. */
  readonly code: string;

  constructor(status: number, message: string, code = "", options?: ErrorOptions) {
    super(message, options);
    this.name = "SqlRefusal";
    this.status = status;
    this.code = code;
  }
}

/** The statement may or may not have been applied. */
export function connectionClosed(cause?: unknown): SqlRefusal {
  return new SqlRefusal(400, "connection closed", "", { cause });
}
