import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { pg } from "../../src/driver/pg.ts";
import type { Driver } from "../../src/driver.ts";
import { type Change, type Mutation, type Replica, storeReplica } from "../../src/sync/index.ts";
import { createDatabase, type TestDatabase } from "../servers/provided.ts";

let database: TestDatabase;
let writers: Driver;
let reader: Driver;

beforeAll(async () => {
  database = await createDatabase(inject("servers").postgres);
  writers = pg(database.url, { poolSize: 32 });
  reader = pg(database.url, { poolSize: 1 });
});
afterAll(async () => {
  await writers.close();
  await reader.close();
  await database.drop();
});

describe("32 clients that push while one polls", () => {
  const clients = Array.from({ length: 32 }, (_, n) => `client-${n}`);
  const pushes = 12;

  it("lose nothing, repeat nothing and never wait for each other in a circle", async () => {
    const seen: Change[] = [];
    const source = storeReplica({ driver: reader, store: "busy", principal: "reader" });
    let isWriting = true;
    const polling = poll(source, seen, () => isWriting);
    const applied = (await Promise.all(clients.map(pushAll))).flat();
    isWriting = false;
    await polling;

    // Every write that was applied is there, or was followed by a later version of its key.
    const last = new Map(seen.map((change) => [change.key, change]));
    for (const { key, version } of applied) expect(last.get(key)?.version).toBeGreaterThanOrEqual(version);
    // Each version of a key was applied by exactly one client.
    expect(new Set(applied.map(({ key, version }) => `${key}:${version}`)).size).toBe(applied.length);
    // No change was delivered twice.
    expect(new Set(seen.map(({ seq }) => seq)).size).toBe(seen.length);
    // A poller's state is that of one who reads from the start afterwards.
    const fresh: Change[] = [];
    await poll(source, fresh, () => false);
    expect(state(seen)).toEqual(state(fresh));
  });

  /** Writes keys of its own and keys that all share, in an order of its own; each push is sent twice at the same time. */
  async function pushAll(client: string, index: number) {
    const replica = storeReplica({ driver: writers, store: "busy", principal: client });
    const known = new Map<string, number>();
    const applied: { key: string; version: number }[] = [];
    let id = 0;
    for (let round = 0; round < pushes; round++) {
      const keys = [`own-${client}-${round % 3}`, ...sharedKeys(index + round)];
      const mutations = keys.map((key): Mutation => {
        id += 1;
        return { id, op: "put", key, value: { client, round }, base: known.get(key) ?? 0 };
      });
      const answers = await Promise.all([replica.push({ client, mutations }), replica.push({ client, mutations })]);
      for (const answer of answers) {
        if ("refused" in answer) throw new Error(`refused: ${answer.refused}`);
        for (const { id: done, status, version = 0 } of answer.results) {
          const key = mutations.find((mutation) => mutation.id === done)?.key ?? "";
          if (status === "applied") applied.push({ key, version });
          known.set(key, Math.max(version, known.get(key) ?? 0));
        }
      }
    }
    return applied;
  }
});

function sharedKeys(rotation: number): string[] {
  const keys = ["shared-a", "shared-b", "shared-c", "shared-d"];
  return keys.map((_, n) => keys[(n + rotation) % keys.length] ?? "");
}

/** Pulls page after page until nobody writes and the last page says that there is no more. */
async function poll(source: Replica, seen: Change[], goesOn: () => boolean): Promise<void> {
  let cursor: string | null = null;
  for (;;) {
    const wasWriting = goesOn();
    const page = await source.pull(cursor, 17);
    if ("resync" in page) throw new Error(`resync: ${page.resync}`);
    seen.push(...page.changes);
    cursor = page.cursor;
    if (!page.more && !wasWriting) return;
  }
}

function state(changes: readonly Change[]): Record<string, unknown> {
  return Object.fromEntries(changes.map(({ key, version, value }) => [key, { version, value }]));
}
