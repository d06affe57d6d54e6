import { afterAll, beforeAll, expect } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pglite } from "../../src/driver/pglite.ts";
import type { Driver, Param, Row } from "../../src/driver.ts";
import type { Change, ChangePage, Mutation, MutationResult, PullOptions, Replica } from "../../src/sync/replica.ts";
import { type StoreReplica, type StoreReplicaOptions, storeReplica } from "../../src/sync/store-replica.ts";
import { taken as accepted, paged as page } from "../contract/replica.ts";

export { batch, paged as page, put, remove, taken as accepted } from "../contract/replica.ts";

/** Replicas of stores that nobody has used, all in one database in this process. */
export interface Replicas {
  driver(): Driver;
  replica(options?: Partial<StoreReplicaOptions>): StoreReplica;
  /** A store and its replica. */
  both(options?: Partial<StoreReplicaOptions>): Promise<{ store: Store; replica: StoreReplica }>;
  ask(text: string, ...params: Param[]): Promise<Row[]>;
}

export function withReplicas(): Replicas {
  let opened: Driver | undefined;
  let made = 0;
  const driver = () => {
    if (opened === undefined) throw new Error("the database was not opened");
    return opened;
  };
  const replica = (options: Partial<StoreReplicaOptions> = {}) => {
    made += 1;
    return storeReplica({ driver: driver(), store: `replica-${made}`, principal: "alice", ...options });
  };
  beforeAll(() => {
    opened = pglite();
  });
  afterAll(() => opened?.close());

  return {
    driver,
    replica,
    async both(options) {
      const name = `both-${made}`;
      return { replica: replica({ store: name, ...options }), store: await createStore(name, { driver: driver() }) };
    },
    ask: (text, ...params) => driver().query({ text, params }),
  };
}

/** A stamp of `node`, `wallMs` after 2026 began. */
export function stamp(wallMs: number, node = "n"): string {
  return `${String(Date.UTC(2026, 0) + wallMs).padStart(15, "0")}-000000-${node}`;
}

/** Pushes one mutation as a client of its own and gives what became of it. */
export async function pushOne(replica: Replica, mutation: object): Promise<MutationResult> {
  const mutations = [{ id: 1, ...mutation } as Mutation];
  const [result] = (await accepted(replica.push({ client: crypto.randomUUID(), mutations }))).results;
  if (result === undefined) throw new Error("no result");
  return result;
}

export async function pullAll(
  replica: Replica,
  limit: number,
  options: PullOptions & { readonly from?: string } = {},
): Promise<{ changes: Change[]; cursor: string }> {
  const { from = null, ...pullOptions } = options;
  const changes: Change[] = [];
  let cursor: string | null = from;
  for (;;) {
    const next: ChangePage = await page(replica.pull(cursor, limit, pullOptions));
    expect(next.changes.length).toBeLessThanOrEqual(limit);
    changes.push(...next.changes);
    cursor = next.cursor;
    if (!next.more) return { changes, cursor };
  }
}

/** Of an event the id, of everything else the key. */
export function nameOf(change: Change): string {
  return change.kind === "event" ? change.id : change.key;
}

/** What a reader of these changes, in this order, ends with: deleted keys and all. */
export function stateOf(changes: readonly Change[]): Record<string, unknown> {
  return Object.fromEntries(
    changes.map((change) => [
      `${change.kind}/${nameOf(change)}`,
      change.kind === "event" ? change.payload : change.deleted ? "deleted" : { value: change.value },
    ]),
  );
}
