import type { CallOptions } from "../driver.ts";
import { selectClock } from "../stores/clock-statement.ts";
import { encodeToken } from "../stores/read-token.ts";
import { runStatement, type StoreContext } from "../stores/store-context.ts";
import type { ReadPosition } from "./read-position.ts";

/** Gives tokens of a store. Asks the primary only when this store object has written since it last did. */
export function storeToken(context: StoreContext, position: ReadPosition) {
  return async function token(options?: CallOptions): Promise<string> {
    const known = position.isKnown() ? position.current() : undefined;
    if (known !== undefined) return encodeToken(known);
    const saw = position.looking();
    return encodeToken(saw(await runStatement(context, "token", selectClock(context), options)));
  };
}
