import type { BatchOptions, Statement } from "../driver.ts";
import { ConnectionError, PersistError } from "../errors.ts";
import { beginText } from "./begin.ts";
import { toText } from "./params.ts";

/** A pipeline of more than this could fill the socket's buffer, and postgres.js would hold the rest back. */
const PIPELINE_MAX_CHARS = 8_000;

/** How a batch goes out over postgres.js. */
export interface BatchPlan {
  readonly begin: string;
  readonly isGuarded: boolean;
  /** How many go out together, each group when all of the one before have succeeded. The last takes the rest. */
  readonly groupSizes: readonly number[];
}

/**
 * What is sent together: everything, in one flight, behind a guard. But BEGIN alone while the connection is being opened, since
 * what waits behind it would be run on a second connection if the first one failed; and one by one where it could fill the
 * buffer. Alone too where DEFERRABLE, by which the guard knows the transaction, has a meaning of its own.
 */
export function planOf(
  statements: readonly Statement[],
  options: BatchOptions | undefined,
  isOpen: boolean,
): BatchPlan {
  const begin = beginText(options);
  if (sizeOf(statements) > PIPELINE_MAX_CHARS) {
    return { begin, isGuarded: false, groupSizes: statements.map(() => 1).concat(1) };
  }
  const isSnapshot = options?.isolation === "serializable" && options.readOnly;
  if (!isOpen || isSnapshot) return { begin, isGuarded: false, groupSizes: [1] };
  return { begin: `${begin}, deferrable`, isGuarded: true, groupSizes: [] };
}

/**
 * postgres.js ends every statement with a Sync of its own, so what follows a BEGIN that fails (one that a late cancel hits) would
 * be committed one by one. This goes between them, and outside of such a transaction it ends the session: an error is FATAL
 * when `exit_on_error` is on. Its length being 2, the division fails. Every role may do this, and a pooler passes it on.
 */
export const GUARD = `select case when pg_catalog.current_setting('transaction_deferrable') = 'on' then 1
  else 1 / (pg_catalog.length(pg_catalog.set_config('exit_on_error', 'on', true)) - 2) end`;

/** Of the division, with which the session ends. */
export const GUARDS_SQLSTATE = "22012";

/** What is sent, in groups of these sizes; the last takes the rest. */
export function grouped<T>(all: readonly T[], sizes: readonly number[]): T[][] {
  const groups: T[][] = [];
  let from = 0;
  for (const size of sizes) {
    groups.push(all.slice(from, from + size));
    from += size;
  }
  return [...groups, all.slice(from)];
}

function sizeOf(statements: readonly Statement[]): number {
  return statements.reduce((sum, { text, params }) => sum + text.length + toText(params).join("").length, 0);
}

/** A BEGIN that failed, and a guard that was cancelled too: what can be neither prevented nor undone is at least said. */
export function appliedSingly({ sqlstate, message }: PersistError): PersistError {
  return new PersistError(
    "database",
    `${message}; the transaction could not be begun, and some of its statements may have been applied one by one: read before you write again`,
    { outcome: "unknown", retryable: false, sqlstate },
  );
}

export function lostBeforeCommit({ sqlstate, cause }: PersistError): PersistError {
  const message = "batch: the connection was lost before COMMIT was sent: nothing was applied";
  return new ConnectionError(message, { outcome: "rolled-back", sqlstate, cause });
}
