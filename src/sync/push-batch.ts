import { CapabilityError, ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { exceedsBytes } from "../sql/utf8.ts";
import type { SyncLimits } from "./limits.ts";
import type { Mutation, PushBatch } from "./replica.ts";

/** Operations of the protocol that this version does not take yet. */
const LATER_OPS: ReadonlySet<unknown> = new Set(["merge", "append", "kv.set", "kv.delete"]);

/**
 * The mutations of a batch as JSON text, members that the protocol does not name left out. All or nothing: one bad mutation
 * refuses the batch before anything is sent.
 *
 * @throws ValidationError for what cannot be stored, passes a limit, or is not a batch
 * @throws CapabilityError for an operation, or a way of deciding, that this version does not have
 */
export function mutationsToJson(batch: PushBatch, limits: SyncLimits): string {
  if (typeof batch !== "object" || batch === null) throw new ValidationError("push: a batch must be an object");
  checkKey(batch.client, "push: client");
  const { mutations } = batch;
  if (!Array.isArray(mutations) || mutations.length === 0) {
    throw new ValidationError("push: mutations must be an array with one mutation at least");
  }
  if (mutations.length > limits.maxMutations) {
    throw new ValidationError(`push: more than ${limits.maxMutations} mutations; send the rest in a next push`);
  }
  const first: unknown = mutations[0]?.id;
  const texts = mutations.map((mutation: Mutation, index) => {
    const what = `push: mutations[${index}]`;
    checkId(mutation, what, Number(first) + index);
    return mutationToJson(mutation, what, limits);
  });

  const text = `[${texts.join(",")}]`;
  if (exceedsBytes(text, limits.maxPushBytes)) {
    throw new ValidationError(`push: more than ${limits.maxPushBytes} bytes; send fewer mutations at once`);
  }
  return text;
}

function checkId(mutation: Mutation, what: string, expected: number): void {
  if (typeof mutation !== "object" || mutation === null) throw new ValidationError(`${what} must be an object`);
  const { id } = mutation;
  if (!Number.isSafeInteger(id) || id < 1) throw new ValidationError(`${what}.id must be a whole number from 1 up`);
  if (id !== expected) throw new ValidationError(`${what}.id must be one more than the id before it`);
}

function mutationToJson(mutation: Mutation, what: string, limits: SyncLimits): string {
  const { id, op, key, base } = mutation;
  if (LATER_OPS.has(op)) throw new CapabilityError(`${what}: this version takes the operations put and delete only`);
  if (op !== "put" && op !== "delete") throw new ValidationError(`${what}.op must be put or delete`);
  if ("hlc" in mutation) throw new CapabilityError(`${what}: this version decides by base, not by hlc`);
  checkKey(key, `${what}.key`);
  if (!Number.isSafeInteger(base) || base < 0) {
    throw new ValidationError(`${what}.base must be the version last seen, a whole number from 0 up`);
  }
  const head = JSON.stringify({ id, op, key, base });
  if (op === "delete") return head;
  return `${head.slice(0, -1)},"value":${toJson(mutation.value, `${what}.value`, limits.maxValueBytes)}}`;
}
