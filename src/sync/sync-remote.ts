import { internalsOf } from "../create-store/store-internals.ts";
import type { Store } from "../create-store.ts";
import { ValidationError } from "../errors.ts";
import { DEFAULT_MAX_VALUE_BYTES } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { httpReplica } from "./http-replica.ts";
import { DEFAULT_SYNC_LIMITS } from "./limits.ts";
import type { Replica } from "./replica.ts";
import { storeReplica } from "./store-replica.ts";
import type { SyncOptions } from "./sync-options.ts";

/** What a store can sync with: a URL of the sync protocol, `https://host/sync/v1/store`; another store; or any replica. */
export type Remote = string | URL | Store | Replica;

export interface NamedReplica {
  readonly name: string;
  readonly replica: Replica;
}

/**
 * @param what the call, for the message: `enableSync`
 * @throws ValidationError when it is no remote, or the very store that is to sync with it
 */
export function namedReplica(store: Store, remote: Remote, options: SyncOptions, what: string): NamedReplica {
  const { replica, name } = replicaOf(store, remote, options, what);
  const given = options.name ?? name;
  if (given !== undefined) return { replica, name: checkKey(given, `${what}: name`) };
  throw new ValidationError(`${what}: a replica needs a name, under which its state is kept; give name`);
}

function replicaOf(
  store: Store,
  remote: Remote,
  options: SyncOptions,
  what: string,
): { readonly replica: Replica; readonly name?: string } {
  if (typeof remote === "string" || remote instanceof URL) {
    const { authToken, fetch, timeoutMs, scope } = options;
    const replica = httpReplica(String(remote), { authToken, fetch, timeoutMs, scope });
    return { replica, name: nameOfUrl(new URL(remote)) };
  }
  if (isReplica(remote)) return { replica: remote };
  return { replica: replicaOfStore(store, remote, what), name: `store:${remote.name}` };
}

function nameOfUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname.replace(/\/$/, "")}`;
}

function isReplica(remote: Store | Replica): remote is Replica {
  return typeof remote === "object" && remote !== null && "pull" in remote && "push" in remote;
}

function replicaOfStore(store: Store, remote: Store, what: string): Replica {
  const here = internalsOf(store, `${what}: store`);
  const there = internalsOf(remote, `${what}: remote`);
  const { schema } = there.migrations.names;
  const isSame =
    here.driver === there.driver && here.context.schema === there.context.schema && store.name === remote.name;
  if (isSame) throw new ValidationError(`${what}: a store cannot sync with itself; give another store as remote`);
  const { maxValueBytes = DEFAULT_MAX_VALUE_BYTES } = there.context;
  return storeReplica({
    driver: there.driver,
    store: remote.name,
    principal: `store:${store.name}`,
    schema,
    migrate: there.migrations.mode,
    // What the store itself would take; a batch of one such value included.
    limits: { maxValueBytes, maxPushBytes: DEFAULT_SYNC_LIMITS.maxPushBytes + maxValueBytes },
  });
}
