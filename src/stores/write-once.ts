import type { CallOptions, Row, Statement } from "../driver.ts";
import { PersistError, ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";
import { onceStatement, type WriteCall, type WriteKey, writeStatement } from "./write-call.ts";

export interface WriteOptions extends CallOptions {
  /**
   * Makes the write safe to repeat, in the same round trip: of all calls of this store with one key the first is done, and the
   * others write nothing and give its result. So a lost reply is no matter, and the call is sent again by itself then.
   *
   * 1 to 1,024 bytes of UTF-8, remembered for a day (`idempotencyLifeMs` of the store). Choose it where the intent is born, one
   * for each, and keep it with the work: `crypto.randomUUID()`, the id of a message or a request. A call that fails with an
   * error leaves its key free.
   *
   * @throws ValidationError with outcome `rejected` when the key was used for another call
   */
  readonly idempotencyKey?: string | undefined;
}

/** Sends a call of a function that writes, once for its idempotency key if there is one. Gives the function's rows. */
export async function runWrite(
  context: StoreContext,
  operation: string,
  call: WriteCall,
  options: WriteOptions = {},
): Promise<readonly Row[]> {
  const key = writeKey(context, operation, options);
  if (key === undefined) return runStatement(context, operation, writeStatement(context, call), options);
  try {
    const statement = onceStatement(context, call, key);
    const rows = await runStatement(context, operation, statement, { ...options, idempotent: true });
    return answerOf(rows, operation);
  } catch (error) {
    throw explainReuse(error, operation);
  }
}

/** The key of a call. Undefined when it has none. @throws ValidationError */
export function writeKey(
  context: Pick<StoreContext, "idempotencyLifeMs">,
  operation: string,
  { idempotencyKey }: WriteOptions,
): WriteKey | undefined {
  if (idempotencyKey === undefined) return undefined;
  const key = checkKey(idempotencyKey, `${operation}: idempotencyKey`);
  return { key, lifeMs: context.idempotencyLifeMs ?? DEFAULT_LIFE_MS };
}

/** The statement of a call, with its key if it has one. */
export function statementOf(context: StoreContext, call: WriteCall, key: WriteKey | undefined): Statement {
  return key === undefined ? writeStatement(context, call) : onceStatement(context, call, key);
}

/** The rows of a call that was made with a key. */
export function answerOf(rows: readonly Row[], operation: string): readonly Row[] {
  return onlyRow(rows, operation)["answer"] as readonly Row[];
}

/** The error to throw in place of `error`: one that says so when the key was used for something else. */
export function explainReuse(error: unknown, operation: string): unknown {
  if (!(error instanceof PersistError) || error.sqlstate !== KEY_REUSED) return error;
  return new ValidationError(
    `${operation}: this idempotencyKey was used for something else; nothing was written, use a new key for a new intent`,
    { outcome: "rejected", sqlstate: error.sqlstate, cause: error },
  );
}

const DEFAULT_LIFE_MS = 24 * 60 * 60 * 1000;

/** What `persist.write_once` raises. */
const KEY_REUSED = "OT004";
