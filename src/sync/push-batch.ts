import { ValidationError } from "../errors.ts";
import { checkKey, checkPrefix } from "../sql/key.ts";
import { exceedsBytes } from "../sql/utf8.ts";
import type { SyncLimits } from "./limits.ts";
import { mutationToJson } from "./mutation-json.ts";
import type { PushBatch } from "./replica.ts";

/**
 * The mutations of a batch as `sync_push_v2` takes them: JSON text, members that the protocol does not name left out. One that can
 * never be applied is among them as such and takes up its id, so that it blocks nothing behind it.
 *
 * @throws ValidationError for what is no batch, or passes a limit of batches
 */
export function mutationsToJson(batch: PushBatch, limits: SyncLimits): string {
  if (typeof batch !== "object" || batch === null) throw new ValidationError("push: a batch must be an object");
  checkKey(batch.client, "push: client");
  const scope = checkPrefix(batch.scope ?? "", "push: scope");
  const { mutations, ack } = batch;
  if (ack !== undefined && (!Number.isSafeInteger(ack) || ack < 0)) {
    throw new ValidationError("push: ack must be the id of a mutation, or 0");
  }
  if (!Array.isArray(mutations) || mutations.length === 0) {
    throw new ValidationError("push: mutations must be an array with one mutation at least");
  }
  if (mutations.length > limits.maxMutations) {
    throw new ValidationError(`push: more than ${limits.maxMutations} mutations; send the rest in a next push`);
  }
  const first = idOf(mutations[0], "push: mutations[0]");
  mutations.forEach((mutation, index) => {
    const what = `push: mutations[${index}]`;
    if (idOf(mutation, what) !== first + index) {
      throw new ValidationError(`${what}.id must be one more than the id before it`);
    }
  });

  const text = `[${mutations.map((mutation) => mutationToJson(mutation, scope, limits.maxValueBytes)).join(",")}]`;
  if (exceedsBytes(text, limits.maxPushBytes)) {
    throw new ValidationError(`push: more than ${limits.maxPushBytes} bytes; send fewer mutations at once`);
  }
  return text;
}

function idOf(mutation: unknown, what: string): number {
  if (typeof mutation !== "object" || mutation === null) throw new ValidationError(`${what} must be an object`);
  const id = "id" in mutation ? mutation.id : undefined;
  if (Number.isSafeInteger(id) && Number(id) >= 1) return Number(id);
  throw new ValidationError(`${what}.id must be a whole number from 1 up`);
}
