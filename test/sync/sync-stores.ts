import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { createStore, type Store } from "../../src/create-store.ts";
import { pglite } from "../../src/driver/pglite.ts";
import type { Driver } from "../../src/driver.ts";
import type { StoreEvent } from "../../src/stores/store-event.ts";
import { type EnableSyncOptions, enableSync } from "../../src/sync/enable-sync.ts";
import type { Replica } from "../../src/sync/replica.ts";
import { storeReplica } from "../../src/sync/store-replica.ts";
import type { SyncHandle } from "../../src/sync/sync-handle.ts";

/** Stores that nobody has used, all in one database in this process, and syncs that end with their test. */
export interface SyncStores {
  driver(): Driver;
  store(label: string, driver?: Driver): Promise<Store>;
  /** The store as a server has it. */
  replica(store: Store): Replica;
  /** A sync that does nothing by itself for the time of a test. */
  sync(store: Store, options: EnableSyncOptions): SyncHandle;
}

export function withSyncStores(): SyncStores {
  let driver: Driver | undefined;
  let made = 0;
  let handles: SyncHandle[] = [];
  const opened = () => {
    if (driver === undefined) throw new Error("the database was not opened");
    return driver;
  };
  beforeAll(() => {
    driver = pglite();
  });
  afterEach(async () => {
    await Promise.all(handles.map((handle) => handle.stop()));
    handles = [];
  });
  afterAll(() => driver?.close());

  return {
    driver: opened,
    store(label, given = opened()) {
      made += 1;
      return createStore(`${label}-${made}`, { driver: given });
    },
    replica: ({ name }) => storeReplica({ driver: opened(), store: name, principal: "tester" }),
    sync(store, options) {
      const handle = enableSync(store, { interval: 1_000_000, debounceMs: 1_000_000, ...options });
      handle.pause();
      handles.push(handle);
      return handle;
    },
  };
}

/** Events as they come. */
export function heard(store: Store, pattern: Parameters<Store["on"]>[0] = "sync:*"): StoreEvent[] {
  const events: StoreEvent[] = [];
  store.on(pattern, (event) => events.push(event));
  return events;
}

/** Everything that is in a store, to be compared with another: values, not versions. */
export async function contentOf({ records, kv, events }: Store) {
  const [recordList, entries, { events: feed }] = await Promise.all([
    records.list({ limit: 1000 }),
    kv.list({ limit: 1000 }),
    events.readAll({ limit: 1000 }),
  ]);
  return {
    records: Object.fromEntries(recordList.map(({ key, value }) => [key, value])),
    kv: Object.fromEntries(entries.map(({ key, value }) => [key, value])),
    events: feed
      .map(({ stream, version, id, payload }) => ({ stream, version, id, payload }))
      .toSorted((a, b) => (a.stream === b.stream ? a.version - b.version : a.stream < b.stream ? -1 : 1)),
  };
}

/** Waits until an expectation holds, also on a machine that is busy. */
export function eventually(expectation: () => unknown): Promise<unknown> {
  return vi.waitFor(expectation, { timeout: 20_000, interval: 10 });
}
