import { PersistError } from "../errors.ts";
import { pushBatch } from "./push-in-parts.ts";
import type { Mutation, MutationResult, PushRefusal } from "./replica.ts";
import { restartPull } from "./restart-pull.ts";
import type { SyncRound } from "./sync-round.ts";

/** A remote that refuses one new client after another, or every stamp, will refuse the next one too. */
const MAX_RENAMES = 3;
const MAX_SKEWED = 3;

/** So many pushes in a row of which nothing was taken. */
const MAX_REFUSED = 10;

/**
 * Sends what waits, batch by batch, until nothing does.
 *
 * | answer | |
 * |---|---|
 * | `idle` | nothing waits |
 * | `busy` | somebody else is sending |
 * | `behind` | what waits has to wait for changes that are to be pulled first |
 * | `refused` | one conflict after another: the next round goes on |
 * | `spent` | the budget has ended |
 */
export async function pushWaiting(round: SyncRound): Promise<"idle" | "busy" | "behind" | "refused" | "spent"> {
  const { budget, device, owner, settings, tally } = round;
  const progress = pushProgress(round);
  let skewed = 0;
  let refused = 0;
  while (!budget.isSpent()) {
    const taken = await device.take(
      {
        owner,
        // Others may take over when the answer can no longer come.
        leaseMs: budget.step().timeoutMs,
        limit: round.batchSize,
        maxBytes: settings.limits.maxPushBytes,
        scope: settings.scope,
        withHlc: settings.strategy === "last-write-wins",
      },
      budget.step(),
    );
    if (taken.status === "busy") return "busy";
    if (taken.status === "idle") return round.isResyncing ? "behind" : "idle";
    if (budget.isSpent()) return "spent";

    const { answer, sent } = await pushBatch(round, taken).catch((error: unknown) =>
      release(round, taken.client, error),
    );
    if ("resync" in answer) {
      await restartPull(round, answer.resync, taken.cursor);
      return "behind";
    }
    if ("refused" in answer) {
      await rename(round, answer, taken.client).catch((error: unknown) => release(round, taken.client, error));
      continue;
    }
    const settled = await settle(round, taken.client, answer.results);
    tally.head = answer.head;
    tellRejected(round, sent, answer.results);
    await progress(answer.results.length, taken.more || sent.length < taken.mutations.length);

    const isStuck = settled.applied + settled.rejected === 0;
    skewed = isStuck && settled.conflicts === 0 && settled.skewed > 0 ? skewed + 1 : 0;
    if (skewed > MAX_SKEWED) throw refusesStamps();
    // One conflict after another: what the remote has now is to be pulled, whatever its answers say.
    refused = isStuck && settled.conflicts > 0 ? refused + 1 : 0;
    if (refused > MAX_REFUSED) return settings.direction === "push" ? "refused" : "behind";
    if (answer.results.some(isUnexplained)) {
      // Alone in its batch, a conflict comes with what is there.
      if (settings.direction === "push") round.batchSize = 1;
      else return "behind";
    }
  }
  return "spent";
}

/** Nobody has to wait for the lease of a push that has failed. Whether or not it arrived, it is sent again as it was. */
async function release({ device, owner, budget }: SyncRound, client: string, error: unknown): Promise<never> {
  await device.settle({ owner, client, results: "[]", keepValue: false }, budget.keep()).catch(() => undefined);
  throw error;
}

async function settle(round: SyncRound, client: string, results: readonly MutationResult[]) {
  const { device, owner, settings, budget, tally } = round;
  const keepValue = settings.strategy === "merge";
  const settled = await device.settle({ owner, client, results: JSON.stringify(results), keepValue }, budget.keep());
  tally.pushed += settled.applied;
  round.isAwaiting ||= settled.applied > 0;
  tally.rejected += settled.rejected;
  return settled;
}

async function rename(round: SyncRound, { refused }: Refused, client: string): Promise<void> {
  round.renames += 1;
  if (refused === "forbidden" && round.renames > 1) {
    throw new PersistError("forbidden", "sync: the remote lets this principal write under no client id", {
      outcome: "rejected",
    });
  }
  if (round.renames > MAX_RENAMES) {
    const message = `sync: the remote answers ${refused} to one new client after another; nothing of them was applied`;
    throw new PersistError("resync", message, { outcome: "rejected", retryable: true });
  }
  await round.device.rename(client, round.newClient(), round.budget.keep());
}

type Refused = Extract<PushRefusal, { readonly refused: string }>;

/** The remote's state was left out of the answer. */
function isUnexplained({ status, current }: MutationResult): boolean {
  return status === "conflict" && current === undefined;
}

function refusesStamps(): PersistError {
  const message =
    "sync: the remote refuses the stamps of this store again and again; its clock is more than 5 minutes off";
  return new PersistError("validation", message, { outcome: "rejected", retryable: true });
}

function tellRejected(round: SyncRound, sent: readonly Mutation[], results: readonly MutationResult[]): void {
  const byId = new Map(sent.map((mutation) => [mutation.id, mutation]));
  for (const { id, status, why = "rejected" } of results) {
    const mutation = byId.get(id);
    if (status !== "rejected" || mutation === undefined) continue;
    round.tell({ type: "sync:dead-letter", ...placeOf(mutation), reason: why });
  }
}

function placeOf(mutation: Mutation): { readonly kind: "record" | "kv" | "event"; readonly key: string } {
  if (mutation.op === "append") return { kind: "event", key: mutation.event.id };
  return { kind: mutation.op.startsWith("kv.") ? "kv" : "record", key: mutation.key };
}

/** Tells how far the push has come. How much there is in all is asked once, when one batch does not hold it. */
function pushProgress(round: SyncRound): (count: number, isMore: boolean) => Promise<void> {
  let done = 0;
  let total: number | undefined;
  return async (count, isMore) => {
    if (isMore && total === undefined && !round.budget.isSpent()) {
      const status = await round.device.status(round.budget.step());
      total = done + count + Number(status?.["pending"] ?? 0) + Number(status?.["in_flight"] ?? 0);
    }
    done += count;
    // Edits of the meantime come on top.
    const known = isMore ? total : done;
    round.tell({
      type: "sync:progress",
      phase: "push",
      done,
      ...(known === undefined ? {} : { total: Math.max(done, known) }),
    });
  };
}
