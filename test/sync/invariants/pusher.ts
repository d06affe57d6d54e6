import type { Mutation, PushBatch, PushResult, Replica } from "../../../src/sync/index.ts";
import { accepted } from "../replicas.ts";
import { type Draft, toMutation } from "./drafts.ts";

/** A client that numbers its mutations and sends what it has sent before as often as one likes. */
export interface Pusher {
  /** @param versionOf of a record, as far as the client knows */
  batch(drafts: readonly Draft[], versionOf: (key: string) => number): PushBatch;
  send(batch: PushBatch): Promise<PushResult>;
}

export function newPusher(replica: Replica): Pusher {
  const client = crypto.randomUUID();
  let last = 0;
  return {
    batch(drafts, versionOf) {
      const mutations = drafts.map(
        (draft, index): Mutation => toMutation(draft, last + 1 + index, versionOf(draft.key)),
      );
      last += mutations.length;
      return { client, mutations };
    },
    send: (batch) => accepted(replica.push(batch)),
  };
}
