import { PersistError } from "../errors.ts";
import type { Mutation, MutationResult, PushRefusal, Replica } from "../sync/replica.ts";

/** A write of a document that has no number yet. */
export type Unnumbered =
  | { readonly op: "put"; readonly key: string; readonly value: unknown; readonly assumed: Assumed }
  | { readonly op: "delete"; readonly key: string; readonly assumed: Assumed };

/** What the device believes to be there. Null for no record. */
export type Assumed = { readonly value: unknown } | null;

export interface SenderParts {
  readonly replica: Replica;
  readonly scope: string | undefined;
  /** The client id, when the device has one for good. */
  readonly client: string | undefined;
}

/**
 * Numbers mutations and hands them over. What was sent before and never answered is not looked up: the same writes come again
 * under new numbers, and what they assume makes them harmless. To be called one after the other.
 */
export function mutationSender({ replica, scope, client: givenClient }: SenderParts) {
  let client = givenClient ?? crypto.randomUUID();
  let isNew = givenClient === undefined;
  /** The last number that was given out, undefined as long as it is not known. */
  let last: number | undefined;
  let ack: number | undefined;

  return async function send(writes: readonly Unnumbered[]): Promise<readonly MutationResult[]> {
    for (let attempt = 1; ; attempt += 1) {
      last ??= isNew ? 0 : await lastTaken();
      const first = last + 1;
      last += writes.length;
      const mutations = writes.map((write, index): Mutation => ({ id: first + index, ...write }));
      const answer = await replica.push({ client, ack, scope, mutations });
      if ("results" in answer) {
        ack = answer.lastMutation;
        return answer.results;
      }
      if (attempt === MAX_ATTEMPTS) throw refusedError(answer);
      if ("refused" in answer && answer.refused === "gap") last = answer.lastMutation;
      else becomeAnother();
    }
  };

  async function lastTaken(): Promise<number> {
    const answer = await replica.pull(null, 1, { scope, client });
    return "resync" in answer ? 0 : (answer.lastMutation ?? 0);
  }

  function becomeAnother(): void {
    client = crypto.randomUUID();
    isNew = true;
    last = undefined;
    ack = undefined;
  }
}

/** The first may meet a gap, the second another copy of the client; a third refusal is no accident. */
const MAX_ATTEMPTS = 3;

function refusedError(answer: PushRefusal): PersistError {
  const code = "refused" in answer && answer.refused === "forbidden" ? "forbidden" : "resync";
  return new PersistError(code, "push: the server refuses this client, also under a new id; check who it signs in as", {
    outcome: "rejected",
    retryable: code === "resync",
  });
}
