import { jsonAnswer } from "../../web/json-answer.ts";
import { maxPokeWaitMs } from "./answer-poke.ts";
import type { SyncCall } from "./sync-call.ts";

/** What this server speaks, how much it takes at once, and where the store's feed stands. One statement. */
export async function answerInfo(call: SyncCall): Promise<Response> {
  const { request, store, options } = call;
  const opened = await call.open("read");
  if (opened instanceof Response) return opened;
  const { limits, scope = "" } = opened;
  const { head, epoch, serverTime } = await opened.replica.head({ signal: request.signal });
  const info = {
    protocols: ["persist-sync/1"],
    store,
    scope,
    epoch,
    head,
    serverTime,
    limits: { ...limits, maxWaitSeconds: maxPokeWaitMs(options, request) / 1000 },
    operations: ["put", "delete", "merge", "append", "kv.set", "kv.delete"],
    conditions: ["base", "hlc", "assumed"],
  };
  return jsonAnswer(info, 200, { "cache-control": "private, no-store" });
}
