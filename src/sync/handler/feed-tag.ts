/** The state of the feed that a page was made from. */
export interface TaggedFeed {
  readonly epoch: string | null;
  readonly head: string;
  /** Empty: everything. */
  readonly scope: string;
}

/**
 * The entity-tag of a page: epoch, head and scope; cursor and limit are in the URL. Weak, since a page is the same as JSON and
 * line by line.
 */
export function feedTag({ epoch, head, scope }: TaggedFeed): string {
  return `W/"${[epoch ?? "", head, scope].map(encodeURIComponent).join("/")}"`;
}

/** What the first tag of `If-None-Match` that was made under this scope stands for. Tags that cannot be ours are left out. */
export function knownFeed(header: string, scope: string): TaggedFeed | undefined {
  const opaque = [...header.matchAll(/"([^"]*)"/g)].map(([, content = ""]) => content);
  const feeds = opaque.map((content) => /^([0-9a-f-]*)\/([^/]*)\/([^/]*)$/.exec(content));
  const [, epoch, head] = feeds.find((feed) => feed?.[3] === encodeURIComponent(scope)) ?? [];
  if (epoch === undefined || head === undefined) return undefined;
  return { epoch: epoch === "" ? null : epoch, head: decode(head), scope };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
