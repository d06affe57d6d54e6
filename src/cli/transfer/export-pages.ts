import type { Store } from "../../create-store.ts";
import type { CallOptions } from "../../driver.ts";
import { toBase64 } from "../../sql/base64.ts";
import type { EventFeedPage } from "../../stores/event-feed.ts";
import type { Kind } from "./import-kinds.ts";

/** Reads a store page by page. Each page shows it as it was when that page was read. */
export type ExportPages = (store: Store, options: ExportOptions) => AsyncIterable<readonly object[]>;

export interface ExportOptions extends CallOptions {
  /** Only keys that begin so; of events, streams. */
  readonly prefix: string;
}

export const exportPages: Readonly<Record<Kind, ExportPages>> = {
  records: recordPages,
  events: eventPages,
  kv: kvPages,
};

const PAGE = 1_000;

async function* recordPages(store: Store, { prefix, ...call }: ExportOptions): AsyncGenerator<readonly object[]> {
  for (let after: string | undefined; ; ) {
    const page = await store.records.list({ ...call, prefix, after, limit: PAGE });
    yield page.map(({ key, value }) => ({ key, value }));
    if (page.length < PAGE) return;
    after = page.at(-1)?.key;
  }
}

async function* eventPages(store: Store, { prefix, ...call }: ExportOptions): AsyncGenerator<readonly object[]> {
  for (let cursor: string | null = null, more = true; more; ) {
    const page: EventFeedPage = await store.events.readAll({ ...call, cursor, limit: PAGE });
    yield page.events.filter(({ stream }) => stream.startsWith(prefix));
    ({ cursor, more } = page);
  }
}

async function* kvPages(store: Store, { prefix, ...call }: ExportOptions): AsyncGenerator<readonly object[]> {
  for (let after: string | undefined; ; ) {
    const page = await store.kv.list({ ...call, prefix, after, limit: PAGE });
    yield page.map(({ key, value, expiresAt }) => ({
      key,
      ...(value instanceof Uint8Array ? { value: toBase64(value), encoding: "base64" } : { value }),
      ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    }));
    if (page.length < PAGE) return;
    after = page.at(-1)?.key;
  }
}
