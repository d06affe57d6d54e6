import { PersistError } from "../errors.ts";
import type { TakenMutations } from "./device.ts";
import type { Mutation, PushBatch, PushRefusal, PushResult } from "./replica.ts";
import type { SyncRound } from "./sync-round.ts";

export interface PushedBatch {
  readonly answer: PushResult | PushRefusal;
  /** Of what was taken, what the answer is about: the rest stays in flight, and comes with the next batch. */
  readonly sent: readonly Mutation[];
}

/**
 * Sends what was taken. When the remote cannot read it, a smaller part of it: its limits may be lower than ours. A lone edit
 * that is too large for it is given up, so that it does not hold up the others.
 */
export async function pushBatch(round: SyncRound, taken: TakenMutations): Promise<PushedBatch> {
  for (;;) {
    const sent = taken.mutations.slice(0, round.batchSize);
    try {
      return { answer: await send(round, taken, sent), sent };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const [first, second] = sent;
      if (second !== undefined) {
        round.batchSize = Math.ceil(sent.length / 2);
      } else if (first !== undefined && byteLength(first) > round.settings.limits.maxValueBytes) {
        return { answer: await giveUp(round, taken, first), sent };
      } else {
        throw error;
      }
    }
  }
}

function send(round: SyncRound, taken: TakenMutations, mutations: readonly Mutation[]) {
  const { replica, settings, budget } = round;
  const { client, cursor, ack } = taken;
  const batch: PushBatch = {
    client,
    // Who only pushes has no use for what is refused with a cursor.
    cursor: settings.direction === "push" ? undefined : (cursor ?? undefined),
    ack,
    scope: settings.scope === "" ? undefined : settings.scope,
    mutations,
  };
  return replica.push(batch, budget.step());
}

/** The id is used up by a mutation that says nothing: without it there would be a hole. */
async function giveUp(round: SyncRound, taken: TakenMutations, { id }: Mutation): Promise<PushResult | PushRefusal> {
  const answer = await send(round, taken, [{ id, op: "none" } as unknown as Mutation]);
  if (!("results" in answer)) return answer;
  return { ...answer, results: answer.results.map((result) => ({ ...result, why: "too-large" as const })) };
}

function isUnreadable(error: unknown): boolean {
  return error instanceof PersistError && error.code === "validation" && error.outcome !== "unknown";
}

function byteLength(mutation: Mutation): number {
  return new TextEncoder().encode(JSON.stringify(mutation)).length;
}
