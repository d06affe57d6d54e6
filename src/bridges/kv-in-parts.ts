import type { KvEntry, KvStore } from "../stores/kv.ts";

/** An entry on its way. `ttl`: milliseconds from now; what is 0 or less is over already. */
export interface EntryToSet {
  readonly key: string;
  readonly value: unknown;
  readonly ttl?: number | undefined;
}

/**
 * Sets any number of entries, in as many round trips as that takes. When a key occurs twice the last one counts. An entry that
 * is over already is deleted; one that would outlast a century stays for ever.
 */
export async function setInParts(kv: KvStore, entries: readonly EntryToSet[]): Promise<void> {
  const [first] = entries;
  if (first !== undefined && entries.length === 1 && isLasting(first)) {
    return kv.set(first.key, first.value, { ttl: toLife(first.ttl) });
  }
  const last = [...new Map(entries.map((entry) => [entry.key, entry])).values()];
  const lasting = last.filter(isLasting).map(({ key, value, ttl }) => ({ key, value, ttl: toLife(ttl) }));
  for (const part of inParts(lasting, MAX_BULK)) await kv.setMany(part);
  const over = last.filter((entry) => !isLasting(entry));
  await deleteInParts(
    kv,
    over.map(({ key }) => key),
  );
}

/** The values of any number of keys, in their order, `undefined` where there is none. */
export async function getInParts<Value>(kv: KvStore, keys: readonly string[]): Promise<(Value | undefined)[]> {
  const values: (Value | undefined)[] = [];
  for (const part of inParts(keys, MAX_BULK)) values.push(...(await kv.getMany<Value>(part)));
  return values;
}

/** Deletes any number of entries and says how many were there. */
export async function deleteInParts(kv: KvStore, keys: readonly string[]): Promise<number> {
  let deleted = 0;
  for (const part of inParts(keys, MAX_BULK)) deleted += await kv.deleteMany(part);
  return deleted;
}

/**
 * All entries whose keys begin with `prefix`, in key order, a page and a round trip at a time. One that is written meanwhile is
 * among them or not.
 */
export async function* entryPages(kv: KvStore, prefix: string): AsyncGenerator<readonly KvEntry[], void, undefined> {
  for (let after: string | undefined; ; ) {
    const page = await kv.list({ prefix, after, limit: PAGE_SIZE });
    if (page.length > 0) yield page;
    if (page.length < PAGE_SIZE) return;
    after = page.at(-1)?.key;
  }
}

/** Deletes all entries whose keys begin with `prefix`, a page at a time. One that is written meanwhile may stay. */
export async function clearPrefix(kv: KvStore, prefix: string): Promise<void> {
  for await (const page of entryPages(kv, prefix)) await kv.deleteMany(page.map(({ key }) => key));
}

/** A list in parts of at most `size`. */
export function* inParts<T>(list: readonly T[], size: number): Generator<readonly T[], void, undefined> {
  for (let start = 0; start < list.length; start += size) yield list.slice(start, start + size);
}

/** How many keys or entries an operation of kv takes at once. */
const MAX_BULK = 1000;

/** Values come along, of up to 1 MiB each. */
const PAGE_SIZE = 100;

const CENTURY_MS = 100 * 365 * 24 * 60 * 60 * 1000;

function isLasting({ ttl }: EntryToSet): boolean {
  return ttl === undefined || ttl > 0;
}

function toLife(ttl: number | undefined): number | undefined {
  return ttl !== undefined && ttl < CENTURY_MS ? ttl : undefined;
}
