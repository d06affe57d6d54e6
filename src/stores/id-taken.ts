import { PersistError } from "../errors.ts";

/**
 * Sends an append, and once more when its id was taken meanwhile: of two appends of one id to different streams at the same
 * moment, the one that comes second meets the unique index. Nothing was written, and now that the other is committed the
 * database function sees it and can say what is wrong.
 */
export async function againIfIdTaken<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (isIdTaken(error)) return send();
    throw error;
  }
}

function isIdTaken(error: unknown): boolean {
  return error instanceof PersistError && error.sqlstate === "23505" && error.outcome !== "unknown";
}
