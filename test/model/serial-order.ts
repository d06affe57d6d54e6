import { isDeepStrictEqual } from "node:util";
import type { Store } from "../../src/create-store.ts";
import type { Call, StoreModel } from "./call.ts";
import { isRefusal, type Outcome, outcomeOf } from "./outcome.ts";

/** A call that was made, what it came to, and when it was on its way. */
export interface MadeCall {
  readonly call: Call;
  readonly answer: Outcome;
  /** Places on one line of time that all clients share. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Each client makes its calls one after the other; all clients at once. One history per client. */
export function runClients(stores: readonly Store[], calls: readonly (readonly Call[])[], model: StoreModel) {
  let clock = 0;
  async function runClient(store: Store, own: readonly Call[]): Promise<MadeCall[]> {
    const made: MadeCall[] = [];
    for (const call of own) {
      clock += 1;
      const startedAt = clock;
      const answer = await outcomeOf(call.send(store, model));
      clock += 1;
      made.push({ call, answer, startedAt, endedAt: clock });
    }
    return made;
  }
  return Promise.all(
    calls.map((own, index) => {
      const store = stores[index % stores.length];
      if (store === undefined) throw new Error("there is no store");
      return runClient(store, own);
    }),
  );
}

/**
 * An order in which the calls, one at a time, come to what they came to: a call that had ended before another began stays
 * before it. Undefined when there is none. That is linearizability, decided by trying: for a dozen calls.
 */
export function serialOrder(histories: readonly (readonly MadeCall[])[], model: StoreModel): MadeCall[] | undefined {
  if (histories.every((history) => history.length === 0)) return [];
  const heads = histories.flatMap((history) => history.slice(0, 1));
  const firstEnd = Math.min(...heads.map(({ endedAt }) => endedAt));
  for (const head of heads.filter(({ startedAt }) => startedAt < firstEnd)) {
    const after = structuredClone(model);
    if (!isExplained(head.answer, head.call.apply(after, head.answer))) continue;
    const rest = serialOrder(
      histories.map((history) => (history[0] === head ? history.slice(1) : history)),
      after,
    );
    if (rest !== undefined) return [head, ...rest];
  }
  return undefined;
}

/** The version that a conflict names is read after the decision, and may be a later one. */
function isExplained(answer: Outcome, foretold: Outcome): boolean {
  return isDeepStrictEqual(withoutVersion(answer), withoutVersion(foretold));
}

function withoutVersion(outcome: Outcome): Outcome {
  return isRefusal(outcome) ? { refused: outcome.refused } : outcome;
}
