/** The arguments cannot mean anything. Ends with status 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A file, or a line of it, that cannot be used. Ends with status 65. */
export class InputError extends Error {
  override readonly name = "InputError";
  /** What to do next. */
  readonly next: string | undefined;

  constructor(message: string, options: { readonly next?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.next = options.next;
  }
}

/** What a command was at when it failed, and how to go on. Ends with the status of its cause. */
export class StoppedError extends Error {
  override readonly name = "StoppedError";
  readonly next: string;

  constructor(message: string, options: { readonly next: string; readonly cause: unknown }) {
    super(message, { cause: options.cause });
    this.next = options.next;
  }
}
