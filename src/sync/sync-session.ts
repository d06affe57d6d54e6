import { internalsOf } from "../create-store/store-internals.ts";
import type { Store } from "../create-store.ts";
import type { StoreEvent } from "../stores/store-event.ts";
import { uuidV7 } from "../stores/uuid-v7.ts";
import { syncDevice } from "./device.ts";
import { type SyncOptions, syncSettings } from "./sync-options.ts";
import { namedReplica, type Remote } from "./sync-remote.ts";
import type { SyncSession } from "./sync-round.ts";

/**
 * What the rounds of one sync need.
 *
 * @param what the call, for the message: `enableSync`
 * @throws ValidationError for options that are not sound
 */
export function syncSession(store: Store, remote: Remote, options: SyncOptions, what: string): SyncSession {
  const { context } = internalsOf(store, `${what}: store`);
  const settings = syncSettings(options, what);
  const { name, replica } = namedReplica(store, remote, options, what);
  const newId = () => uuidV7(Date.now());
  return {
    device: syncDevice(context, name),
    replica,
    settings,
    owner: newId(),
    maxValueBytes: context.maxValueBytes,
    newClient: newId,
    tell: (event) => context.emit?.({ ...event, store: store.name, remote: name } as StoreEvent),
    tellConflict: (key, currentVersion) =>
      context.emit?.({ type: "record:conflict", store: store.name, key, currentVersion }),
  };
}
