import type { Change, ChangePage, Cursor, Mutation, PushBatch, Replica } from "../../../src/sync/index.ts";

/** Makes of a replica one that is wrong in one way. */
export type Wrap = (replica: Replica) => Replica;

export const honest: Wrap = (replica) => replica;

/** Changes pages on their way. */
export function withPages(change: (page: ChangePage, from: Cursor | null) => ChangePage): Wrap {
  return (replica) => ({
    push: (...call) => replica.push(...call),
    head: (...call) => replica.head(...call),
    async pull(cursor, ...rest) {
      const answer = await replica.pull(cursor, ...rest);
      return "resync" in answer ? answer : change(answer, cursor);
    },
  });
}

export function withChanges(change: (changes: readonly Change[]) => readonly Change[]): Wrap {
  return withPages((page) => ({ ...page, changes: change(page.changes) }));
}

/** Changes batches on their way. */
export function withBatches(change: (batch: PushBatch) => PushBatch): Wrap {
  return (replica) => ({
    push: (batch, ...rest) => replica.push(change(batch), ...rest),
    head: (...call) => replica.head(...call),
    pull: (...call) => replica.pull(...call),
  });
}

/** The last change of a page does not arrive, unless it is the only one. */
export const droppingOne: Wrap = withChanges((changes) => (changes.length > 1 ? changes.slice(0, -1) : changes));

/** Knows no client again: what is sent twice is applied twice. */
export const forgetful: Wrap = (replica) => ({
  head: (...call) => replica.head(...call),
  pull: (...call) => replica.pull(...call),
  async push({ mutations, ...batch }, ...rest) {
    const before = (mutations[0]?.id ?? 1) - 1;
    const renumbered = mutations.map((mutation): Mutation => ({ ...mutation, id: mutation.id - before }));
    const answer = await replica.push({ ...batch, client: crypto.randomUUID(), mutations: renumbered }, ...rest);
    if (!("results" in answer)) return answer;
    return {
      ...answer,
      results: answer.results.map((result) => ({ ...result, id: result.id + before })),
      lastMutation: answer.lastMutation + before,
    };
  },
});
