import type { Driver, Statement } from "../../src/driver.ts";
import { resultOf } from "./result-of.ts";
import { wayOf } from "./ways.ts";

/** A driver in a process of its own, so that it can be frozen. Its calls come as messages. */
export type FrozenRequest =
  | { readonly open: string; readonly label: string; readonly idleTimeoutMs?: number | undefined }
  | { readonly statements: readonly Statement[]; readonly timeoutMs: number }
  | { readonly close: true };

let driver: Driver | undefined;

process.on("message", async (request: FrozenRequest) => {
  process.send?.(await answer(request).then(() => "ok", resultOf));
});
process.send?.("ready");

async function answer(request: FrozenRequest): Promise<unknown> {
  if ("open" in request) {
    driver = wayOf(request.label).open(request.open, request.idleTimeoutMs);
    return;
  }
  if ("close" in request) return await driver?.close();
  const [first, ...others] = request.statements;
  if (first === undefined) return;
  const { timeoutMs } = request;
  return others.length === 0
    ? await driver?.query(first, { timeoutMs })
    : await driver?.batch(request.statements, { timeoutMs });
}
