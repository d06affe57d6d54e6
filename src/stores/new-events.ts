import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import type { AppendOptions } from "./events.ts";
import type { StoreContext } from "./store-context.ts";
import { uuidV7 } from "./uuid-v7.ts";

/** An event on its way: payload and metadata as JSON text, `null` for no metadata. */
export interface NewEvent {
  readonly id: string;
  readonly payload: string;
  readonly type: string | null;
  readonly metadata: string;
}

const MAX_EVENTS = 1000;

/**
 * Checks the payloads of one append and gives each event its id.
 *
 * @throws ValidationError when there are none or too many, when ids are missing or occur twice, or when a value cannot be
 * stored as it is
 */
export function newEvents(
  payloads: readonly unknown[],
  options: AppendOptions,
  context: Pick<StoreContext, "now" | "maxValueBytes">,
): readonly NewEvent[] {
  if (payloads.length === 0) throw new ValidationError("events.append: the list is empty; give at least one event");
  if (payloads.length > MAX_EVENTS) {
    throw new ValidationError(`events.append: at most ${MAX_EVENTS} events in a call; append the rest in another`);
  }
  const ids = idsOf(payloads.length, options.id, context.now ?? Date.now);
  const type = options.type === undefined ? null : checkKey(options.type, "events.append: type");
  const metadata = toJson(options.metadata ?? null, "events.append: metadata", context.maxValueBytes);
  return ids.map((id, index) => {
    const what = payloads.length === 1 ? "events.append: payload" : `events.append: payloads[${index}]`;
    return { id, payload: toJson(payloads[index], what, context.maxValueBytes), type, metadata };
  });
}

/** One JSON array of `[id, payload, type, metadata]`, of texts that are JSON already. */
export function toEventsJson(events: readonly NewEvent[]): string {
  const items = events.map(
    ({ id, payload, type, metadata }) => `[${JSON.stringify(id)},${payload},${JSON.stringify(type)},${metadata}]`,
  );
  return `[${items.join(",")}]`;
}

function idsOf(count: number, given: AppendOptions["id"], now: () => number): readonly string[] {
  if (given === undefined) return Array.from({ length: count }, () => uuidV7(now()));
  const ids = typeof given === "string" ? [given] : given;
  if (ids.length !== count) throw new ValidationError("events.append: id must hold one id for each event");
  for (const id of ids) checkKey(id, "events.append: id");
  if (new Set(ids).size < count) throw new ValidationError("events.append: an id occurs twice; each event has its own");
  return ids;
}
