import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MutationResult, PushResult } from "../../../src/sync/index.ts";
import { withReplicas } from "../replicas.ts";
import { holds, isViolated } from "./check-property.ts";
import { anyDrafts } from "./drafts.ts";
import { newPusher } from "./pusher.ts";
import { newReader } from "./reader.ts";
import { forgetful, honest, type Wrap } from "./wrong-replicas.ts";

const { replica: newReplica } = withReplicas();

describe("exactly once: each mutation of a client is decided once, and every retry is told the same", () => {
  it("also when others write between the retries", () => holds(retriesAreTheSame(honest)));

  it("is violated by a replica that forgets its clients", () =>
    isViolated(retriesAreTheSame(forgetful), /is decided again|moved by a retry/));
});

const anyTurn = fc.record({
  drafts: anyDrafts,
  /** Before each retry. */
  between: fc.array(fc.option(anyDrafts), { maxLength: 3 }),
});

function retriesAreTheSame(wrap: Wrap) {
  return fc.asyncProperty(fc.array(anyTurn, { minLength: 1, maxLength: 4, size: "max" }), async (turns) => {
    const replica = newReplica();
    const reader = newReader(replica);
    const [client, other] = [newPusher(wrap(replica)), newPusher(replica)];
    const versionOf = (key: string) => reader.mirror.get(`record/${key}`)?.version ?? 0;
    for (const { drafts, between } of turns) {
      await reader.pullRest(100);
      const batch = client.batch(drafts, versionOf);
      const first = await client.send(batch);
      expect(
        first.results.map(({ id }) => id),
        "an answer to each",
      ).toEqual(batch.mutations.map(({ id }) => id));
      for (const meanwhile of between) {
        if (meanwhile !== null) await other.send(other.batch(meanwhile, versionOf));
        const { head } = await replica.head();
        const retry = await client.send(batch);
        expect(outcomesOf(retry), "is decided again").toEqual(outcomesOf(first));
        expect(retry.lastMutation).toBe(first.lastMutation);
        expect((await replica.head()).head, "moved by a retry").toBe(head);
      }
    }
  });
}

/** All there is to one that was not applied. Of one that was, the version may be another's by now, and is left out. */
function outcomesOf({ results }: PushResult): readonly Partial<MutationResult>[] {
  return results.map((result) => {
    const isApplied = result.status === "applied" || result.status === "duplicate";
    return isApplied ? { id: result.id, status: "applied" } : result;
  });
}
