import { describe, expect, it, onTestFinished, vi } from "vitest";
import { rxdbReplication } from "../../src/bridges/rxdb.ts";
import type { Replica } from "../../src/sync/replica.ts";
import { errorsOf, heroesOf, newDevice, replicate, withServers } from "./rxdb-devices.ts";

const newServer = withServers();

/** Between looks at a server that is down there is a longer wait each time, and a machine may be busy. */
const patience = { timeout: 10_000 };

describe("the stream", () => {
  it("brings what other devices write, as they write it, and ends with the replication", async () => {
    const { replica } = await newServer();
    const [a, b] = [await newDevice(), await newDevice()];
    const head = vi.fn(replica.head);
    const options = { remote: { ...replica, head }, live: true, liveIntervalMs: 5 };
    const replications = [a, b].map((device) => replicate(device, options));
    const errors = replications.map(errorsOf);
    for (const replication of replications) await replication.awaitInitialReplication();
    await a.insert({ id: "batman", name: "Bruce" });
    await vi.waitFor(async () => expect(await heroesOf(b)).toHaveLength(1), patience);
    await b.findOne("batman").remove();
    await vi.waitFor(async () => expect(await heroesOf(a)).toEqual([]), patience);
    expect(errors).toEqual([[], []]);

    for (const replication of replications) await replication.cancel();
    expect(head.mock.calls.every(([call]) => call?.signal?.aborted)).toBe(true);
  });

  it("says RESYNC when the server is back, and nothing while nothing happens", async () => {
    const { replica } = await newServer();
    let isDown = false;
    const head: Replica["head"] = async (options) => {
      if (isDown) throw new Error("down");
      return replica.head(options);
    };
    const remote = { ...replica, head: vi.fn(head) };
    const { pull } = rxdbReplication({ collection: await newDevice(), remote, liveIntervalMs: 1 });
    const said: unknown[] = [];
    const subscription = pull.stream$.subscribe((item) => said.push(item));
    onTestFinished(() => subscription.unsubscribe());
    await pull.handler(undefined, 10);
    await vi.waitFor(() => expect(remote.head.mock.calls.length).toBeGreaterThan(3), patience);
    expect(said).toEqual([]);
    isDown = true;
    const looks = remote.head.mock.calls.length;
    await vi.waitFor(() => expect(remote.head.mock.calls.length).toBeGreaterThan(looks + 1), patience);
    isDown = false;
    await vi.waitFor(() => expect(said).toEqual(["RESYNC"]), patience);
  });

  it("waits where the remote can", async () => {
    const { replica, store } = await newServer();
    const poke = vi.fn(async (_: unknown, options?: { readonly signal?: AbortSignal | undefined }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return options?.signal?.aborted ? null : replica.head();
    });
    const collection = await newDevice();
    const replication = replicate(collection, { remote: { ...replica, poke }, live: true, liveIntervalMs: 60_000 });
    await replication.awaitInitialReplication();
    await store.records.put("batman", { name: "Bruce" });
    await vi.waitFor(async () => expect(await heroesOf(collection)).toHaveLength(1), patience);
    expect(poke).toHaveBeenCalled();
  });
});
