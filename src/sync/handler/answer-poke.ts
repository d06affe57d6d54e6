import { ValidationError } from "../../errors.ts";
import { jsonAnswer } from "../../web/json-answer.ts";
import { problemResponse } from "../../web/problem.ts";
import { type KnownPlace, placeOf } from "./feed-place.ts";
import { feedWatch } from "./feed-watch.ts";
import type { SyncHandlerOptions } from "./handler-options.ts";
import { pokeEvents } from "./poke-events.ts";
import type { SyncCall } from "./sync-call.ts";

/** How long a client may ask a poke to wait, and how long it waits when it is not told. */
const MAX_POKE_WAIT_SECONDS = 25;

const DEFAULT_INTERVAL_MS = 1000;
const DEFAULT_STREAM_MS = 5 * 60 * 1000;

/**
 * Tells where the feed is when it is not where the client left it: 200 with its head, or 204 when it has not moved in time.
 * Whoever accepts server-sent events gets one for each move. Each look at the feed is one statement.
 */
export async function answerPoke(call: SyncCall): Promise<Response> {
  const { request, params, options, store } = call;
  if (request.method !== "GET") {
    return problemResponse({ status: 405, code: "method", detail: "A poke is a GET.", headers: { allow: "GET" } });
  }
  const waitMs = Math.min(1000 * toSeconds(params.get("wait")), maxPokeWaitMs(options, request));
  const known = lastEventPlace(request) ?? placeOf(params, store);
  const opened = await call.open("read");
  if (opened instanceof Response) return opened;

  const { pokeIntervalMs: intervalMs = DEFAULT_INTERVAL_MS, pokeStreamMs: streamMs = DEFAULT_STREAM_MS } = options;
  const watched = { replica: opened.replica, known, intervalMs, signal: request.signal };
  if (request.headers.get("accept")?.includes(EVENT_STREAM)) {
    const onError = (error: unknown) => options.report?.(error, request);
    const { stream, ended } = pokeEvents({ ...watched, streamMs, onError });
    call.keepUntil(ended);
    return new Response(stream, { headers: { ...notKept, "content-type": EVENT_STREAM } });
  }
  const feed = await feedWatch(watched).next(waitMs);
  if (feed === undefined) return new Response(null, { status: 204, headers: notKept });
  return jsonAnswer({ head: feed.head, epoch: feed.epoch }, 200, notKept);
}

const EVENT_STREAM = "text/event-stream";
const notKept = { "cache-control": "private, no-store" };

/** How long a poke of this request waits at most. */
export function maxPokeWaitMs({ pokeWaitMs }: SyncHandlerOptions, request: Request): number {
  const mostMs = 1000 * MAX_POKE_WAIT_SECONDS;
  return Math.max(0, Math.min(mostMs, pokeWaitMs?.(request) ?? mostMs));
}

/** Where a browser was when its last stream ended. */
function lastEventPlace(request: Request): KnownPlace | undefined {
  const head = request.headers.get("last-event-id");
  return head === null || head === "" ? undefined : { head, epoch: undefined };
}

function toSeconds(wait: string | null): number {
  if (wait === null) return MAX_POKE_WAIT_SECONDS;
  const seconds = /^\d{1,2}(\.\d{1,3})?$/.test(wait) ? Number(wait) : Number.NaN;
  if (seconds <= MAX_POKE_WAIT_SECONDS) return seconds;
  throw new ValidationError(`poke: wait must be a number of seconds from 0 to ${MAX_POKE_WAIT_SECONDS}`);
}
