import fc from "fast-check";
import type { AppendOptions, StoredEvent } from "../../src/stores/events.ts";
import { anyExpectation, type Expectation, expectedVersion } from "./alphabet.ts";
import { type Call, type StoreModel, textOf } from "./call.ts";
import {
  appendEvents,
  type EventToAppend,
  headOf,
  type LoggedEvent,
  listEvents,
  type StreamPage,
} from "./event-model.ts";

export const anyStream = fc.constantFrom("s", "s", "s", "s_1", "sx1", "𐀀");
const anyId = fc.constantFrom("1", "2", "3", "𐀀");
// The same content in another order of members is the same content.
const anyPayload = fc.constantFrom<unknown>(1, 1, null, "x", { a: 1, b: 2 }, { b: 2, a: 1 });
const anyEnvelope = fc.constantFrom<Envelope>({}, {}, {}, { type: "T" }, { metadata: { by: "x" } });

interface Envelope {
  readonly type?: string;
  readonly metadata?: unknown;
}

/** Which moment `since` asks for: that of an event, by its place in the stream, or one before or after all. */
export type Since = number | "always" | "never" | undefined;

/** Calls of `store.events`, one stream at a time. */
export const eventCalls: readonly fc.Arbitrary<Call>[] = [
  fc.tuple(anyStream, anyPayload, fc.option(anyId, { nil: undefined }), anyEnvelope, anyExpectation).map(append),
  fc
    .tuple(
      anyStream,
      fc.oneof(
        fc.array(anyPayload, { minLength: 1, maxLength: 3 }).map((payloads) => payloads.map(toEvent)),
        fc
          .uniqueArray(fc.tuple(anyPayload, anyId), { minLength: 1, maxLength: 3, selector: ([, id]) => id })
          .map((events) => events.map(([payload, id]) => ({ payload, id }))),
      ),
      anyEnvelope,
      anyExpectation,
    )
    .map(appendList),
  fc
    .tuple(
      anyStream,
      fc.record(
        {
          after: fc.integer({ min: 0, max: 6 }),
          limit: fc.integer({ min: 1, max: 4 }),
          direction: fc.constantFrom("forward" as const, "backward" as const),
        },
        { requiredKeys: [] },
      ),
      fc.constantFrom<Since>(undefined, undefined, 1, 2, 3, "always", "never"),
    )
    .map(list),
];

export function append(args: [string, unknown, string | undefined, Envelope, Expectation]): Call {
  const [stream, payload, id, envelope, expectation] = args;
  const expected = (model: StoreModel) => expectedVersion(expectation, headOf(model.events, stream));
  return {
    text: textOf("events.append", stream, payload, { ...(id && { id }), ...envelope }, expectation),
    async send(store, model) {
      const options: AppendOptions = { id, ...envelope, expectedVersion: expected(model) };
      return seen(await store.events.append(stream, payload, options));
    },
    apply(model, answer) {
      const outcome = appendEvents(model.events, stream, [{ id, payload, ...envelope }], expected(model), [answer]);
      return Array.isArray(outcome) ? outcome[0] : outcome;
    },
  };
}

type NewEvents = readonly Pick<EventToAppend, "id" | "payload">[];

function appendList([stream, events, envelope, expectation]: [string, NewEvents, Envelope, Expectation]): Call {
  const expected = (model: StoreModel) => expectedVersion(expectation, headOf(model.events, stream));
  const ids = events.flatMap(({ id }) => (id === undefined ? [] : [id]));
  return {
    text: textOf("events.append list", stream, events, envelope, expectation),
    async send(store, model) {
      const options: AppendOptions = {
        ...(ids.length > 0 && { id: ids }),
        ...envelope,
        expectedVersion: expected(model),
      };
      const appended = await store.events.append(
        stream,
        events.map(({ payload }) => payload),
        options,
      );
      return appended.map(seen);
    },
    apply: (model, answer) =>
      appendEvents(
        model.events,
        stream,
        events.map((event) => ({ ...event, ...envelope })),
        expected(model),
        answer,
      ),
  };
}

function list([stream, page, since]: [string, Omit<StreamPage, "since">, Since]): Call {
  return {
    text: textOf("events.list", stream, page, since && { since }),
    async send(store, model) {
      const moment = momentOf(model, stream, since);
      const events = await store.events.list({
        stream,
        ...page,
        ...(moment !== undefined && { since: new Date(moment) }),
      });
      return events.map(seen);
    },
    apply(model) {
      const moment = momentOf(model, stream, since);
      return listEvents(model.events, stream, { ...page, ...(moment !== undefined && { since: moment }) });
    },
  };
}

export function momentOf(model: StoreModel, stream: string, since: Since): number | undefined {
  if (since === undefined) return undefined;
  if (since === "always") return 0;
  const event = since === "never" ? undefined : listEvents(model.events, stream, { after: since - 1, limit: 1 })[0];
  return event?.timestamp ?? Date.UTC(2100);
}

function toEvent(payload: unknown) {
  return { id: undefined, payload };
}

/** An event as the model has it. */
export function seen({ timestamp, ...event }: StoredEvent): LoggedEvent {
  return { ...event, timestamp: timestamp.getTime() };
}
