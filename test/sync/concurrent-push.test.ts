import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createStore } from "../../src/create-store.ts";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { type Change, type Mutation, type Replica, storeReplica } from "../../src/sync/index.ts";
import { createDatabase, type TestDatabase } from "../servers/provided.ts";
import { accepted, nameOf, page, pullAll, put } from "./replicas.ts";

let database: TestDatabase;
let writers: Driver;
let reader: Driver;

beforeAll(async () => {
  database = await createDatabase(inject("servers").postgres);
  writers = pg(database.url, { poolSize: 32 });
  reader = pg(database.url, { poolSize: 1 });
  await storeReplica({ driver: reader, store: "s", principal: "p" }).head();
});
afterAll(async () => {
  await writers.close();
  await reader.close();
  await database.drop();
});

/** How often PostgreSQL has had to end a circle of waiting in this database. */
async function deadlocks(): Promise<number> {
  await reader.query({ text: "select pg_stat_force_next_flush()", params: [] });
  const [row] = await reader.query({
    text: "select deadlocks::int4 as deadlocks from pg_stat_database where datname = current_database()",
    params: [],
  });
  return Number(row?.["deadlocks"]);
}

describe("32 clients that push while one polls", () => {
  const clients = Array.from({ length: 32 }, (_, n) => `client-${n}`);
  const pushes = 12;

  it("lose nothing, repeat nothing and never wait for each other in a circle", async () => {
    const seen: Change[] = [];
    const source = storeReplica({ driver: reader, store: "busy", principal: "reader" });
    let isWriting = true;
    const polling = poll(source, seen, () => isWriting);
    const applied = (await Promise.all(clients.map(pushEverything))).flat();
    isWriting = false;
    await polling;

    // Every write that was applied is there, or was followed by a later version of its key.
    const last = new Map(seen.map((change) => [nameOf(change), change]));
    for (const { key, version } of applied) expect(last.get(key)?.version).toBeGreaterThanOrEqual(version);
    // Each version of a key was applied by exactly one client.
    expect(new Set(applied.map(({ key, version }) => `${key}:${version}`)).size).toBe(applied.length);
    // No change was delivered twice.
    expect(new Set(seen.map(({ seq }) => seq)).size).toBe(seen.length);
    // A poller's state is that of one who reads from the start afterwards.
    expect(state(seen)).toEqual(state((await pullAll(source, 17)).changes));
    expect(await deadlocks()).toBe(0);
  });

  /** Writes keys of its own and keys that all share, in an order of its own; each push is sent twice at the same time. */
  async function pushEverything(client: string, index: number) {
    const replica = storeReplica({ driver: writers, store: "busy", principal: client });
    const known = new Map<string, number>();
    const applied: { key: string; version: number }[] = [];
    let id = 0;
    for (let round = 0; round < pushes; round++) {
      const keys = [`own-${client}-${round % 3}`, ...rotated(SHARED, index + round)];
      const mutations = keys.map((key): Mutation & { key: string } => {
        id += 1;
        return { id, op: "put", key, value: { client, round }, base: known.get(key) ?? 0 };
      });
      const answers = await Promise.all([
        accepted(replica.push({ client, mutations })),
        accepted(replica.push({ client, mutations })),
      ]);
      for (const { id: done, status, version = 0 } of answers.flatMap(({ results }) => results)) {
        const key = mutations.find((mutation) => mutation.id === done)?.key ?? "";
        if (status === "applied") applied.push({ key, version });
        known.set(key, Math.max(version, known.get(key) ?? 0));
      }
    }
    return applied;
  }
});

describe("pushes of every kind beside transactions of the store", () => {
  it("on the same keys, in different orders, never wait for each other in a circle", async () => {
    const store = await createStore("mixed", { driver: writers });
    const now = String(Date.now()).padStart(15, "0");

    async function push(client: string, index: number) {
      const replica = storeReplica({ driver: writers, store: "mixed", principal: client });
      for (let round = 0; round < 10; round++) {
        const operations = rotated(SHARED, index + round).flatMap((key, n): object[] => [
          { op: "put", key, value: { client, round }, hlc: `${now}-${String(round).padStart(6, "0")}-${client}` },
          { op: "kv.set", key, value: { client, round } },
          { op: "append", stream: key, event: { id: `${client}-${round}-${n}`, payload: round } },
          { op: "merge", key: `${key}-merged`, value: { [client]: round } },
        ]);
        const shuffled = index % 2 === 0 ? operations : operations.toReversed();
        const mutations = shuffled.map((op, n) => ({ id: round * operations.length + n + 1, ...op }) as Mutation);
        await accepted(replica.push({ client, mutations, ack: round * operations.length }));
      }
    }
    async function transact(index: number) {
      for (let round = 0; round < 10; round++) {
        await store.transaction(
          rotated(SHARED, index + round).flatMap((key) => [
            { op: "kv.set", key, value: round } as const,
            { op: "append", stream: key, payload: round } as const,
            { op: "put", key, value: round } as const,
          ]),
        );
      }
    }
    await Promise.all([
      ...Array.from({ length: 12 }, (_, n) => push(`client-${n}`, n)),
      ...Array.from({ length: 6 }, (_, n) => transact(n)),
    ]);
    expect(await deadlocks()).toBe(0);

    // Exactly once: 12 clients have merged 10 times, and every event has its place.
    const { changes } = await pullAll(storeReplica({ driver: reader, store: "mixed", principal: "p" }), 1000);
    for (const key of SHARED) {
      const merged = changes.find((change) => nameOf(change) === `${key}-merged`);
      expect(merged).toMatchObject({ version: 120 });
      const versions = changes.flatMap((change) =>
        change.kind === "event" && change.stream === key ? [change.version] : [],
      );
      expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 180 }, (_, n) => n + 1));
    }
  });
});

describe("one client whose pushes overtake each other", () => {
  it("has each mutation applied once, in the order of ids", async () => {
    const replica = storeReplica({ driver: writers, store: "overtaking", principal: "p" });
    const batches = Array.from({ length: 20 }, (_, n) => [
      put(2 * n + 1, "count", 2 * n, 2 * n),
      put(2 * n + 2, "count", 2 * n + 1, 2 * n + 1),
    ]);
    const sending = batches.toReversed().flatMap((mutations) => [mutations, mutations]);
    await Promise.all(
      sending.map(async (mutations) => {
        for (;;) {
          const answer = await replica.push({ client: "c", mutations });
          if ("results" in answer) return;
          // Those that come before are on their way.
          expect(answer).toMatchObject({ refused: expect.stringMatching(/^(gap|unknown-client)$/) });
        }
      }),
    );
    expect(await page(replica.pull(null, 10, { client: "c" }))).toMatchObject({
      changes: [{ key: "count", value: 39, version: 40 }],
      lastMutation: 40,
    });
  });
});

const SHARED = ["shared-a", "shared-b", "shared-c", "shared-d"];

function rotated(keys: readonly string[], by: number): string[] {
  return keys.map((_, n) => keys[(n + by) % keys.length] ?? "");
}

/** Pulls page after page until nobody writes and the last page says that there is no more. */
async function poll(source: Replica, seen: Change[], goesOn: () => boolean): Promise<void> {
  let cursor: string | null = null;
  for (;;) {
    const wasWriting = goesOn();
    const next = await page(source.pull(cursor, 17));
    seen.push(...next.changes);
    cursor = next.cursor;
    if (!next.more && !wasWriting) return;
  }
}

function state(changes: readonly Change[]): Record<string, unknown> {
  return Object.fromEntries(
    changes.map((change) => [
      nameOf(change),
      { version: change.version, value: "value" in change ? change.value : undefined },
    ]),
  );
}
