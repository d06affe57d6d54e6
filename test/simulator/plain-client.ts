import { isDeepStrictEqual } from "node:util";
import { PersistError } from "../../src/errors.ts";
import type { Change, ChangePage, Cursor, Mutation, MutationResult, Replica } from "../../src/sync/replica.ts";
import type { StoreRows } from "./store-rows.ts";
import type { World } from "./world.ts";
import { linkToServer } from "./world.ts";
import { entryKeys, recordKeys, setKeys } from "./writes.ts";

/**
 * A client that speaks the protocol with nothing between: it pushes what no device would, and keeps what it pulls in a map. So it
 * shows the server's half alone.
 */
export interface PlainClient {
  /** Sends a new batch, or the last one again as long as it has no answer. As of each of these: whether it got through. */
  push(): Promise<boolean>;
  /** Sends the last batch again until it has an answer. */
  flush(): Promise<boolean>;
  /** A page, or all there is. */
  pull(amount: "page" | "all"): Promise<boolean>;
  /** Whether it holds what the server holds; what differs otherwise. */
  differences(server: StoreRows): readonly string[];
}

export function plainClient(world: World): PlainClient {
  const { dice, found, note } = world;
  const { random } = dice;
  const replica: Replica = linkToServer(world, "everybody", "direct");
  let client = `${world.name}/plain/0`;
  let last = 0;
  let ack = 0;
  let pending: readonly Mutation[] | undefined;
  let cursor: Cursor | null = null;
  const mirror = new Map<string, MirrorRow>();
  let tags = 0;
  let before: Promise<unknown> = Promise.resolve();

  /** One after the other: pages of two pulls make no state together. Whether it got through. */
  function guarded(work: () => Promise<void>): Promise<boolean> {
    const done = before.then(work).then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof PersistError)) found(error);
        note(`  plain client: ${String(error)}`);
        return false;
      },
    );
    before = done;
    return done;
  }

  function beginAgain(): void {
    client = `${client.replace(/\d+$/, "")}${Number(/\d+$/.exec(client)?.[0]) + 1}`;
    last = 0;
    ack = 0;
    pending = undefined;
  }

  function newBatch(): readonly Mutation[] {
    const keys = new Set<string>();
    return Array.from({ length: 1 + random.int(4) }, (_, index) => {
      tags += 1;
      const mutation = anyMutation(world, { id: last + 1 + index, tag: `p.${tags}`, versionOf });
      if ("key" in mutation) {
        if (keys.has(mutation.key)) dice.happened("same key twice in a batch");
        keys.add(mutation.key);
      }
      return mutation;
    });
  }

  function versionOf(key: string): number {
    return mirror.get(`record:${key}`)?.version ?? 0;
  }

  function restart(): void {
    cursor = null;
    mirror.clear();
  }

  function keep(page: ChangePage): void {
    cursor = page.cursor;
    for (const change of page.changes) keepChange(mirror, change);
  }

  async function send(batch: readonly Mutation[]): Promise<void> {
    pending = batch;
    const answer = await replica.push({ client, ack, ...(cursor !== null && { cursor }), mutations: batch });
    if ("resync" in answer) {
      restart();
    } else if ("refused" in answer) {
      beginAgain();
    } else {
      last = batch.at(-1)?.id ?? last;
      ack = last;
      pending = undefined;
      checkResults(batch, answer.results);
    }
  }

  return {
    push: () => guarded(() => send(pending ?? newBatch())),
    flush: () =>
      guarded(async () => {
        while (pending !== undefined) await send(pending);
      }),
    pull: (amount) =>
      guarded(async () => {
        for (let isMore = true; isMore; ) {
          const page = await replica.pull(cursor, 1 + random.int(7), { client });
          if ("resync" in page) {
            restart();
          } else {
            keep(page);
          }
          isMore = amount === "all" && ("resync" in page || page.more);
        }
      }),
    differences({ rows, events }) {
      const held = new Map<string, MirrorRow>([
        ...[...rows]
          .filter(([, row]) => !row.deleted)
          .map(([place, { version, value }]) => [place, { version, value }] as const),
        ...events.map(({ id, version, payload }) => [`event:${id}`, { version, value: payload }] as const),
      ]);
      return [...new Set([...held.keys(), ...mirror.keys()])]
        .filter((place) => !isDeepStrictEqual(held.get(place), mirror.get(place)))
        .map(
          (place) =>
            `${place} is ${JSON.stringify(mirror.get(place))}, at the server ${JSON.stringify(held.get(place))}`,
        );
    },
  };
}

interface MirrorRow {
  readonly version: number;
  readonly value: unknown;
}

function keepChange(mirror: Map<string, MirrorRow>, change: Change): void {
  if (change.kind === "event") {
    mirror.set(`event:${change.id}`, { version: change.version, value: change.payload });
    return;
  }
  const place = `${change.kind}:${change.key}`;
  if (change.deleted) mirror.delete(place);
  else mirror.set(place, { version: change.version, value: change.value });
}

function checkResults(batch: readonly Mutation[], results: readonly MutationResult[]): void {
  const isSame = batch.length === results.length && batch.every(({ id }, index) => results[index]?.id === id);
  if (!isSame) throw new Error("push: the results are not those of the batch");
}

interface MutationFor {
  readonly id: number;
  readonly tag: string;
  versionOf(key: string): number;
}

function anyMutation({ dice: { random }, strategy }: World, { id, tag, versionOf }: MutationFor): Mutation {
  const key = random.pick(recordKeys);
  const entry = random.pick(entryKeys);
  const base = Math.max(0, versionOf(key) - (random.chance(0.2) ? 1 : 0));
  const hlc = `${String(Date.now() + random.pick([0, 0, 0, -3_600_000, 3_600_000])).padStart(15, "0")}-000000-p`;
  return random.pick<() => Mutation>([
    () => ({ id, op: "put", key, value: { by: tag }, base }),
    () => ({ id, op: "put", key, value: { by: tag }, ...(strategy === "last-write-wins" ? { hlc } : { base }) }),
    () => ({ id, op: "put", key, value: { by: tag }, assumed: null }),
    () => ({ id, op: "delete", key, base }),
    () => ({ id, op: "merge", key, value: { by: tag, m: null, deep: { of: tag } } }),
    () => ({ id, op: "merge", key: random.pick(setKeys), value: { [tag]: 1 } }),
    () => ({ id, op: "append", stream: random.pick(["s", "t"]), event: { id: tag, payload: { by: tag } } }),
    () => ({ id, op: "kv.set", key: entry, value: tag, ...(random.chance(0.5) && { hlc }) }),
    () => ({ id, op: "kv.delete", key: entry, ...(random.chance(0.5) && { hlc }) }),
    () => ({ id, op: "explode", key }) as unknown as Mutation,
  ])();
}
