import { PersistError } from "../errors.ts";
import { DEFAULT_SYNC_LIMITS } from "../sync/limits.ts";
import type { Change, ChangePage, Cursor, Replica } from "../sync/replica.ts";
import { asDeleted, type DocumentNames, type RxdbDocument, toDocument } from "./rxdb-document.ts";
import type { PullProgress } from "./rxdb-progress.ts";

/** Where a pull goes on. RxDB keeps it. */
export interface RxdbCheckpoint {
  readonly cursor: Cursor;
}

/** The documents that the device has, without the deleted ones, by primary key. */
export interface LocalDocuments {
  all(): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>>;
  some(primaries: string[]): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>>;
}

export interface PullParts {
  readonly replica: Replica;
  readonly names: DocumentNames;
  readonly local: LocalDocuments;
  readonly progress: PullProgress;
}

export interface PulledDocuments {
  readonly documents: RxdbDocument[];
  readonly checkpoint: RxdbCheckpoint;
}

/** RxDB takes fewer documents than it asked for as the end: pages are put together until there are enough. */
export function rxdbPull({ replica, names, local, progress }: PullParts) {
  /** What RxDB was given in the round that is going on, and may not have stored yet. */
  const given = new Map<string, RxdbDocument>();
  /** A stretch of the feed without a document, for which RxDB keeps no checkpoint. */
  let empty: { readonly from: Cursor | null; readonly to: Cursor } | undefined;

  return async function pull(
    checkpoint: RxdbCheckpoint | null | undefined,
    batchSize: number,
  ): Promise<PulledDocuments> {
    const from = checkpoint?.cursor ?? null;
    const documents = new Map<string, RxdbDocument>();
    const start = empty?.from === from ? empty.to : from;
    const page = (await readPages(documents, start, batchSize)) ?? (await readSnapshot(documents));

    empty = documents.size === 0 ? { from, to: page.cursor } : undefined;
    // The round is over, and RxDB begins the next one when all of it is stored.
    if (documents.size < batchSize) given.clear();
    if (!page.more) progress.reached(page);
    return { documents: [...documents.values()], checkpoint: { cursor: page.cursor } };
  };

  /** The last page that was read. Undefined when the cursor cannot be continued. */
  async function readPages(
    documents: Map<string, RxdbDocument>,
    start: Cursor | null,
    enough: number,
  ): Promise<ChangePage | undefined> {
    const limit = Math.min(enough, DEFAULT_SYNC_LIMITS.maxChanges);
    let page: ChangePage | undefined;
    do {
      const answer = await replica.pull(page?.cursor ?? start, limit, { scope: names.prefix || undefined });
      if ("resync" in answer) return undefined;
      page = answer;
      await addChanges(documents, page.changes);
    } while (page.more && documents.size < enough);
    return page;
  }

  /** Everything from the start, and a deletion of each document that the device has and the remote has not. */
  async function readSnapshot(documents: Map<string, RxdbDocument>): Promise<ChangePage> {
    documents.clear();
    // Read first: what is pushed from here on may not be in the snapshot either.
    const before = await local.all();
    const page = await readPages(documents, null, Number.POSITIVE_INFINITY);
    if (page === undefined) {
      throw new PersistError("resync", "pull: the feed was replaced once more meanwhile; pull again", {
        outcome: "rejected",
        retryable: true,
      });
    }
    for (const [primary, document] of before) {
      if (!documents.has(primary)) documents.set(primary, asDeleted(document));
    }
    return page;
  }

  async function addChanges(documents: Map<string, RxdbDocument>, changes: readonly Change[]): Promise<void> {
    const deleted: string[] = [];
    for (const change of changes) {
      if (change.kind !== "record") continue;
      const primary = change.key.slice(names.prefix.length);
      const document = change.deleted ? undefined : toDocument(change.key, change.value, names);
      if (change.deleted) deleted.push(primary);
      if (document === undefined) continue;
      documents.set(primary, document);
      given.set(primary, document);
    }
    if (deleted.length > 0) await addDeletions(documents, deleted);
    if (given.size > MAX_GIVEN) await forgetStored();
  }

  /** A tombstone has no value: the members come from the device. What the device does not have needs no deletion. */
  async function addDeletions(documents: Map<string, RxdbDocument>, primaries: string[]): Promise<void> {
    const stored = await local.some(primaries);
    for (const primary of primaries) {
      const document = given.get(primary) ?? stored.get(primary);
      if (document !== undefined) documents.set(primary, asDeleted(document));
    }
  }

  async function forgetStored(): Promise<void> {
    for (const primary of (await local.some([...given.keys()])).keys()) given.delete(primary);
  }
}

/** Documents, before the ones that are stored are looked for. */
const MAX_GIVEN = 2000;
