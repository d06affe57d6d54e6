import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pglite } from "../../src/driver/pglite.ts";
import type { Driver } from "../../src/driver.ts";
import { ConnectionError } from "../../src/errors.ts";
import {
  httpReplica,
  type PushBatch,
  type Replica,
  storeReplica,
  syncHandler,
  syncOnce,
} from "../../src/sync/index.ts";

const MUTATIONS = 2000;

/** The batches of each phase hold so many mutations at most. */
const SIZES = Array.from({ length: 20 }, (_, index) => index + 1);

describe("a lost reply on every single push of 2,000 mutations", () => {
  let driver: Driver;
  let server: Store;
  let device: Store;
  beforeAll(async () => {
    driver = pglite();
    server = await createStore("server", { driver });
    device = await createStore("device", { driver });
    await server.migrate();
  });
  afterAll(() => driver.close());

  it("leaves each of them applied exactly once", async () => {
    const remote = losingFirstReplies(overHttp(driver, server.name));
    const perPhase = MUTATIONS / SIZES.length;
    for (const [phase, maxMutations] of SIZES.entries()) {
      await device.records.putMany(
        Array.from({ length: perPhase }, (_, n) => ({ key: keyOf(phase * perPhase + n), value: phase * perPhase + n })),
      );
      await syncUntilDone(device, remote, maxMutations);
    }

    const pushes = SIZES.reduce((sum, size) => sum + Math.ceil(perPhase / size), 0);
    expect(remote.counts()).toEqual({ different: pushes, lost: pushes, sent: 2 * pushes });

    const records = [
      ...(await server.records.list({ limit: 1000 })),
      ...(await server.records.list({ limit: 1000, after: keyOf(999) })),
    ];
    expect(records.map(({ key, value, version }) => [key, value, version])).toEqual(
      Array.from({ length: MUTATIONS }, (_, n) => [keyOf(n), n, 1]),
    );
    const clients = await driver.query({
      text: "select last_mutation::text as last from persist.persist_sync_clients where store = $1",
      params: [server.name],
    });
    expect(clients).toEqual([{ last: String(MUTATIONS) }]);
    // One place in the feed for each: a second application would have taken another.
    const { head } = await storeReplica({ driver, store: server.name, principal: "ada" }).head();
    expect(head).toBe(`0:${MUTATIONS}`);
    const queue = await driver.query({
      text: "select count(*)::int4 as count from persist.persist_sync_queue where store = $1",
      params: [device.name],
    });
    expect(queue).toEqual([{ count: 0 }]);
  });
});

/** As listed: in the order of numbers. */
function keyOf(n: number): string {
  return `key-${String(n).padStart(4, "0")}`;
}

/** The whole way of a request, but for the socket. */
function overHttp(driver: Driver, store: string): Replica {
  const handler = syncHandler({
    authorize: () => ({ principal: "ada" }),
    replica: () => storeReplica({ driver, store, principal: "ada" }),
  });
  return httpReplica(`https://sync.test/sync/v1/${store}`, {
    fetch: (url: string, init: RequestInit) => handler(new Request(url, init)),
  });
}

/** The push has been committed each time, and its answer is lost the first time. */
function losingFirstReplies(replica: Replica) {
  const heard = new Set<string>();
  let lost = 0;
  let sent = 0;
  return {
    ...replica,
    counts: () => ({ different: heard.size, lost, sent }),
    async push(batch: PushBatch, options?: Parameters<Replica["push"]>[1]) {
      const answer = await replica.push(batch, options);
      sent += 1;
      const { client, mutations } = batch;
      const text = JSON.stringify([client, mutations]);
      if (heard.has(text)) return answer;
      heard.add(text);
      lost += 1;
      throw new ConnectionError("the reply was lost", { outcome: "unknown" });
    },
  };
}

async function syncUntilDone(device: Store, remote: Replica, maxMutations: number): Promise<void> {
  for (;;) {
    try {
      const { done } = await syncOnce(device, remote, { name: "server", limits: { maxMutations } });
      if (done) return;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
    }
  }
}
