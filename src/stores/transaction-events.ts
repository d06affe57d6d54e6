import { ConflictError, ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { toExpected } from "./expected-version.ts";
import { type NewEvent, newEvents, toEventsJson } from "./new-events.ts";
import { type StoredEvent, toEvent } from "./stored-event.ts";
import type { AppendOperation } from "./transaction-operation.ts";
import { type PlanStep, stepItem } from "./transaction-step.ts";

export const planAppend: PlanStep<AppendOperation> = (context, operation, { what, part }) => {
  const { store, emit } = context;
  const { stream, payload, payloads, expectedVersion } = operation;
  checkKey(stream, `${what}.stream`);
  if (Object.hasOwn(operation, "payload") === (payloads !== undefined)) {
    throw new ValidationError(`${what}: give one payload, or a list of payloads`);
  }
  if (payloads !== undefined && !Array.isArray(payloads)) {
    throw new ValidationError(`${what}: payloads must be an array; for one event give payload`);
  }
  const expected = toExpected(expectedVersion, what);
  const events = checkedEvents(() => newEvents(payloads ?? [payload], operation, context), what);

  return {
    item: stepItem("append", stream, toEventsJson(events), expected),
    settle(row) {
      const answers = row["value"] as readonly Answer[];
      const fresh = answers.filter(([status]) => status === "applied");
      const last = fresh.at(-1);
      if (last) emit?.({ type: "event:append", store, stream, count: fresh.length, version: Number(last[2]) });
      const stored = answers.map((answer, index) => toAppended(answer, stream, events[index]));
      return payloads === undefined ? stored[0] : stored;
    },
    refuse(found) {
      const currentVersion = Number(found["version"] ?? 0);
      const why =
        found["status"] === "id-conflict"
          ? "an id belongs to another event already; nothing was written, give each event an id of its own"
          : `stream is at version ${currentVersion}, expected ${expectedVersion}; nothing was written, read it again`;
      return new ConflictError(`${what}: ${why}`, { currentVersion, part });
    },
  };
};

/** A refusal says which operation it is about. */
function checkedEvents(check: () => readonly NewEvent[], what: string): readonly NewEvent[] {
  try {
    return check();
  } catch (error) {
    throw error instanceof ValidationError ? new ValidationError(`${what}: ${error.message}`, { cause: error }) : error;
  }
}

type Answer = readonly [status: string, id: string, version: string, timestamp: string];

function toAppended([, id, version, timestamp]: Answer, stream: string, event: NewEvent | undefined): StoredEvent {
  const payload: unknown = event && JSON.parse(event.payload);
  const metadata: unknown = event && JSON.parse(event.metadata);
  return toEvent({ id, stream, version, payload, timestamp, type: event?.type, metadata });
}
