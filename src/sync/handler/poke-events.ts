import type { FeedHead } from "../replica.ts";
import { type FeedWatchOptions, feedWatch } from "./feed-watch.ts";

/** After so long a silence something is said that means nothing, for those on the way who end what is silent. */
const HEARTBEAT_MS = 15_000;

export interface PokeEventsOptions extends FeedWatchOptions {
  /** When the stream ends, in milliseconds from now. */
  readonly streamMs: number;
  readonly heartbeatMs?: number | undefined;
  /** Called with what ended the stream before its time. */
  readonly onError: (error: unknown) => void;
}

export interface PokeEvents {
  readonly stream: ReadableStream<Uint8Array>;
  /** Settles when no more looks are taken: the time is over, the reader is gone or stands still, or a look has failed. */
  readonly ended: Promise<void>;
}

/**
 * Server-sent events: one for each move of the feed, its place as data and its head as id, so that a browser that comes back
 * names where it was. Looks are taken only as fast as the reader reads.
 */
export function pokeEvents(options: PokeEventsOptions): PokeEvents {
  const { heartbeatMs = HEARTBEAT_MS, onError } = options;
  const encoder = new TextEncoder();
  const life = streamLife(options, heartbeatMs);
  const watch = feedWatch({ ...options, signal: life.signal });

  async function nextPiece(): Promise<string | undefined> {
    try {
      const feed = await watch.next(heartbeatMs);
      if (feed) return toEvent(feed);
      return life.signal.aborted ? undefined : ":\n\n";
    } catch (error) {
      if (!life.signal.aborted) onError(error);
      return undefined;
    }
  }

  const stream = new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(encoder.encode("retry: 1000\n\n")),
      async pull(controller) {
        life.isRead();
        const piece = await nextPiece();
        if (piece === undefined) {
          life.end();
          controller.close();
        } else {
          controller.enqueue(encoder.encode(piece));
          life.waitForReader();
        }
      },
      cancel: life.end,
    },
    { highWaterMark: 0 },
  );
  return { stream, ended: life.ended };
}

interface StreamLife {
  readonly signal: AbortSignal;
  readonly ended: Promise<void>;
  end(): void;
  /** A reader that asks for nothing more is taken to be gone: not every runtime says when one is. */
  waitForReader(): void;
  isRead(): void;
}

function streamLife({ streamMs, signal }: PokeEventsOptions, patienceMs: number): StreamLife {
  const over = new AbortController();
  const ended = Promise.withResolvers<void>();
  const timer = setTimeout(end, streamMs);
  let patience: ReturnType<typeof setTimeout> | undefined;
  signal.addEventListener("abort", end, { once: true });

  function end(): void {
    clearTimeout(timer);
    clearTimeout(patience);
    signal.removeEventListener("abort", end);
    over.abort();
    ended.resolve();
  }
  function waitForReader(): void {
    if (!over.signal.aborted) patience = setTimeout(end, patienceMs);
  }
  if (signal.aborted) end();
  else waitForReader();
  return { signal: over.signal, ended: ended.promise, end, waitForReader, isRead: () => clearTimeout(patience) };
}

function toEvent({ head, epoch }: FeedHead): string {
  // A line's end in an id would be an event of its own.
  const id = /^[\x20-\x7e]*$/.test(head) ? `id: ${head}\n` : "";
  return `${id}data: ${JSON.stringify({ head, epoch })}\n\n`;
}
