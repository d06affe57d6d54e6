import { expect } from "vitest";
import type { Store } from "../../src/create-store.ts";
import { faultyReplica } from "./faulty.ts";
import { contentOf, type SyncStores } from "./sync-stores.ts";

/** A few edits of each kind. */
export async function edit(store: Store): Promise<void> {
  await store.records.putMany(["a", "b", "c"].map((key) => ({ key, value: `${store.name} ${key}` })));
  await store.kv.set("k", store.name);
  await store.events.append(
    "s",
    [1, 2, 3].map((n) => `${store.name} ${n}`),
  );
}

/** A server that has something, and a device that has something else, and the way between them. */
export async function pair(stores: SyncStores, name = "server") {
  const server = await stores.store("server");
  const device = await stores.store("device");
  const replica = faultyReplica(stores.replica(server));
  await server.records.put("s", 1);
  await server.events.append("s", "from the server");
  await edit(device);
  return { server, device, replica, options: { remote: replica, name } };
}

/** All of the device is at the server, once. */
export async function expectInStep(server: Store, device: Store): Promise<void> {
  const content = await contentOf(server);
  expect(await contentOf(device)).toEqual(content);
  expect(content.events.map(({ payload }) => payload)).toEqual([
    "from the server",
    ...[1, 2, 3].map((n) => `${device.name} ${n}`),
  ]);
  for (const key of ["a", "b", "c"]) expect((await server.records.get(key)).version).toBe(1);
}
