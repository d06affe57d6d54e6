import { ValidationError } from "../../errors.ts";
import { toJson } from "../../sql/json.ts";
import type { Mutation, PushBatch } from "../replica.ts";

/**
 * A batch as it is sent. A mutation that JSON would change in silence is sent without what it says, so that the server rejects it and
 * it takes up its id, as with any replica.
 *
 * @throws ValidationError for what is no batch
 */
export function batchText({ client, cursor, ack, mutations }: PushBatch): string {
  if (!Array.isArray(mutations)) throw new ValidationError("push: mutations must be an array");
  const head = toJson(withoutUndefined({ client, cursor, ack }), "push: batch");
  return `${head.slice(0, -1)},"mutations":[${mutations.map(mutationText).join(",")}]}`;
}

function mutationText(mutation: Mutation): string {
  try {
    return toJson(withoutUndefined(mutation), "push: mutation", Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return toJson({ id: mutation.id, op: "none" }, "push: mutation");
  }
}

/** Members that may be left out may be undefined as well. */
function withoutUndefined(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}
