import type { ChangePage, Cursor, PullOptions, Replica, Resync } from "../replica.ts";
import type { StoreReplica } from "../store-replica.ts";
import type { TaggedFeed } from "./feed-tag.ts";

export interface ConditionalPull {
  readonly replica: Replica | StoreReplica;
  readonly cursor: Cursor | null;
  readonly limit: number;
  /** The feed from which the page was made that the client has. */
  readonly known: TaggedFeed | undefined;
  readonly options: PullOptions;
}

export interface TaggedPage extends ChangePage {
  /** Undefined where the replica does not tell: such a page has no tag. */
  readonly epoch?: string | null | undefined;
}

/** A page, or that it would be the one that the client has. One call of the replica. */
export async function pullUnlessKnown(
  pull: ConditionalPull,
): Promise<TaggedPage | Resync | { readonly unchanged: TaggedFeed }> {
  const { replica, cursor, limit, known, options } = pull;
  if (!("pullUnlessHead" in replica)) return replica.pull(cursor, limit, options);
  const page = await replica.pullUnlessHead(cursor, limit, known?.head ?? null, {
    ...options,
    knownEpoch: known?.epoch,
  });
  return "unchanged" in page ? { unchanged: { head: page.head, epoch: page.epoch, scope: options.scope ?? "" } } : page;
}
