import { ValidationError } from "../errors.ts";
import { decodeCursor, encodeCursor, type Position } from "../sql/cursor.ts";
import type { StoreContext } from "./store-context.ts";

/** A place in the feed of a store, as `store.token()` hands it out. */
export function encodeToken(position: Position): string {
  return encodeCursor({ ...position, kind: "token" });
}

/** What a read was given as `atLeast`. @throws ValidationError when it is no token of this store */
export function decodeToken(
  token: string | null | undefined,
  { store }: Pick<StoreContext, "store">,
  operation: string,
): Position | null | undefined {
  if (token === undefined || token === null) return token;
  try {
    return decodeCursor(token, "token", store);
  } catch (cause) {
    throw new ValidationError(`${operation}: atLeast must be a token that store.token() of this store gave, or null`, {
      cause,
    });
  }
}
