import type { ChangePage, Cursor } from "../sync/replica.ts";

/** How far the pulls of one replication have got. The stream compares the feed with it. */
export interface PullProgress {
  /** Of the last page that was the end of the feed. */
  readonly head: string | undefined;
  readonly cursor: Cursor | undefined;
  /** A pull has come to the end of the feed. */
  reached(page: ChangePage): void;
  /** Resolves when the next pull has. */
  next(): Promise<void>;
}

export function pullProgress(): PullProgress {
  let end: ChangePage | undefined;
  let waiting = Promise.withResolvers<void>();
  return {
    get head() {
      return end?.head;
    },
    get cursor() {
      return end?.cursor;
    },
    reached(page) {
      end = page;
      waiting.resolve();
      waiting = Promise.withResolvers();
    },
    next: () => waiting.promise,
  };
}
