import type { CallOptions } from "../driver.ts";
import { checkKey } from "../sql/key.ts";
import { callOptions, onlyRow } from "../stores/store-context.ts";
import { openTarget, type StoreTarget } from "./store-target.ts";

/**
 * Ends the sync of a store with a remote for good, and says whether there was one. Until then what the remote has not got keeps its
 * tombstone, however old. What is here stays as it is; what could not be sent to it, and conflicts with it, are gone. A sync with the
 * remote that begins afterwards is a first one.
 *
 * @param remote its `name`, by default its URL without query
 * @throws ValidationError when the name of the store or of the remote is not allowed
 * @example
 * ```ts
 * await forgetRemote({ driver, store: "notes" }, "https://old.example.com/sync/v1/notes");
 * ```
 */
export async function forgetRemote(target: StoreTarget, remote: string, options: CallOptions = {}): Promise<boolean> {
  const { driver, schema, store } = openTarget(target);
  const statement = {
    text: `select forgotten from ${schema}.sync_forget($1, $2)`,
    params: [store, checkKey(remote, "forgetRemote: remote")],
  };
  const row = onlyRow(await driver.query(statement, callOptions(options)), "forgetRemote");
  return row["forgotten"] === true;
}
