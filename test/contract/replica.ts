import { afterAll, beforeAll, describe } from "vitest";
import type { Change, ChangePage, Mutation, PushBatch, PushResult, Replica } from "../../src/sync/replica.ts";
import { describeFeedHead } from "./replica-head.ts";
import { describePull } from "./replica-pull.ts";
import { describePush } from "./replica-push.ts";
import { describePushConditions } from "./replica-push-conditions.ts";
import { describeResync } from "./replica-resync.ts";

/** What holds the replicas of one suite. */
export interface ReplicaServer {
  /** The replica of a store, for one principal: `alice` where it does not matter. */
  replica(store: string, principal: string): Replica;
  close(): Promise<void>;
}

/** Gives, within a test, replicas of stores that nobody else uses. */
export interface Replicas {
  /** Of a new store. */
  fresh(): Replica;
  /** Of the store with this name; the same name is the same store. */
  of(store: string, principal?: string): Replica;
}

/** What every replica promises, wherever its store is. */
export function describeReplica(label: string, open: () => Promise<ReplicaServer>): void {
  describe(`replica contract: ${label}`, () => {
    let server: ReplicaServer | undefined;
    let stores = 0;
    beforeAll(async () => {
      server = await open();
    });
    afterAll(() => server?.close());

    const replicas: Replicas = {
      of(store, principal = "alice") {
        if (server === undefined) throw new Error("the server was not opened");
        return server.replica(store, principal);
      },
      fresh() {
        stores += 1;
        return replicas.of(`store ${stores}/ü`);
      },
    };
    describe("push", () => describePush(replicas));
    describe("conditions of a push", () => describePushConditions(replicas));
    describe("pull", () => describePull(replicas));
    describe("resync", () => describeResync(replicas));
    describe("head", () => describeFeedHead(replicas));
  });
}

export const put = (id: number, key: string, value: unknown, base = 0): Mutation => ({
  id,
  op: "put",
  key,
  value,
  base,
});
export const remove = (id: number, key: string, base: number): Mutation => ({ id, op: "delete", key, base });
export const batch = (...mutations: Mutation[]): PushBatch => ({ client: "c1", mutations });

/** What a push came to, where it was taken. */
export async function taken(pushing: ReturnType<Replica["push"]>): Promise<PushResult> {
  const result = await pushing;
  if (!("results" in result)) throw new Error(`refused: ${JSON.stringify(result)}`);
  return result;
}

/** The page of a pull that can go on. */
export async function paged(pulling: ReturnType<Replica["pull"]>): Promise<ChangePage> {
  const result = await pulling;
  if ("resync" in result) throw new Error(`resync: ${result.resync}`);
  return result;
}

export interface Pulled {
  readonly changes: readonly Change[];
  readonly cursor: string;
  readonly pages: number;
}

/** Everything after a cursor, page by page. */
export async function pullAll(
  replica: Replica,
  limit: number,
  from: string | null = null,
  scope?: string,
): Promise<Pulled> {
  const changes: Change[] = [];
  let cursor = from;
  for (let pages = 1; ; pages++) {
    const page: ChangePage = await paged(replica.pull(cursor, limit, { scope }));
    changes.push(...page.changes);
    cursor = page.cursor;
    if (!page.more) return { changes, cursor, pages };
  }
}
