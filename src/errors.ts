/**
 * Every code that a {@link PersistError} can carry. Closed: a `switch` over it can be checked by the compiler.
 */
export type ErrorCode =
  | "not-found"
  | "conflict"
  | "resync"
  | "forbidden"
  | "capability"
  | "validation"
  | "connection"
  | "timeout"
  | "aborted"
  | "closed"
  | "migration"
  | "database";

/**
 * What is known of the write when a call fails.
 *
 * | outcome | meaning | sending it again |
 * |---|---|---|
 * | `not-sent` | no byte of the statement left this process | safe |
 * | `rejected` | the server or pooler refused the lone statement; nothing was applied | safe, may fail again |
 * | `rolled-back` | the transaction had begun and was undone as a whole | safe, may fail again |
 * | `unknown` | the connection or the reply was lost: it may have been applied | only when the statement is idempotent |
 */
export type Outcome = "not-sent" | "rejected" | "rolled-back" | "unknown";

export interface PersistErrorOptions {
  readonly outcome: Outcome;
  /** Whether the same call may succeed later without a change to it. Says nothing of safety: see `outcome`. */
  readonly retryable?: boolean;
  /** Five characters, as PostgreSQL's appendix "Error Codes" lists them. */
  readonly sqlstate?: string | undefined;
  /** How long the server asked to wait before the next attempt, where it said so. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The base of every error that leaves this library. Decide on `code` and `outcome`, never on the message.
 * No parameter, URL or password is ever part of a message.
 *
 * @example
 * ```ts
 * try {
 *   await store.records.put("a", 1);
 * } catch (error) {
 *   if (error instanceof PersistError && error.outcome === "unknown") {
 *     // It may be there. Read it, or send it again only if that does no harm.
 *   }
 * }
 * ```
 */
export class PersistError extends Error {
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly sqlstate: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: PersistErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PersistError";
    this.code = code;
    this.outcome = options.outcome;
    this.retryable = options.retryable ?? false;
    this.sqlstate = options.sqlstate;
    this.retryAfterMs = options.retryAfterMs;
    Object.defineProperty(this, brand, { value: true });
  }

  /**
   * `instanceof PersistError` also holds for an error of another copy of this package, such as a driver that was loaded beside
   * a bundled core. The subclasses know only their own: decide on `code`.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: here it is the subclass that stands right of instanceof
    if (this !== PersistError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && brand in value;
  }
}

const brand = Symbol.for("onetrip.PersistError");

/** The key, event or profile asked for does not exist. */
export class NotFoundError extends PersistError {
  constructor(message: string) {
    super("not-found", message, { outcome: "rejected" });
    this.name = "NotFoundError";
  }
}

/** An expectation about the current version did not hold. Nothing was written. */
export class ConflictError extends PersistError {
  /** The version (or revision) that is there now; 0 when there is none. */
  readonly currentVersion: number;
  /** Index of the part of a bulk write or transaction that failed, from 0. Undefined where there is only one. */
  readonly part: number | undefined;

  constructor(message: string, options: { readonly currentVersion: number; readonly part?: number | undefined }) {
    super("conflict", message, { outcome: "rejected" });
    this.name = "ConflictError";
    this.currentVersion = options.currentVersion;
    this.part = options.part;
  }
}

/** Something was asked for that this package, driver or runtime does not have. */
export class CapabilityError extends PersistError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super("capability", message, { outcome: "not-sent", cause: options?.cause });
    this.name = "CapabilityError";
  }
}

export interface ValidationErrorOptions {
  /** `rejected` when only the database or a stored value could tell. Default `not-sent`. */
  readonly outcome?: "not-sent" | "rejected" | undefined;
  readonly sqlstate?: string | undefined;
  readonly cause?: unknown;
}

/** The input cannot be stored or used as it is. Found before anything was sent, unless `outcome` says that the server found it. */
export class ValidationError extends PersistError {
  constructor(message: string, options: ValidationErrorOptions = {}) {
    super("validation", message, { ...options, outcome: options.outcome ?? "not-sent" });
    this.name = "ValidationError";
  }
}

/** The way to the server failed. `outcome` says whether the statement may have been applied. */
export class ConnectionError extends PersistError {
  constructor(message: string, options: PersistErrorOptions) {
    super("connection", message, { retryable: true, ...options });
    this.name = "ConnectionError";
  }
}

/** The deadline passed. One deadline covers waiting for a connection, connecting and the statement. */
export class TimeoutError extends PersistError {
  constructor(message: string, options: PersistErrorOptions) {
    super("timeout", message, { retryable: true, ...options });
    this.name = "TimeoutError";
  }
}
