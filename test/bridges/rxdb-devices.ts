import { randomBytes } from "node:crypto";
import { createRxDatabase, type RxCollection } from "rxdb";
import { type RxReplicationState, replicateRxCollection } from "rxdb/plugins/replication";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { wrappedValidateAjvStorage } from "rxdb/plugins/validate-ajv";
import { afterAll, onTestFinished } from "vitest";
import { type RxdbCheckpoint, type RxdbReplicationOptions, rxdbReplication } from "../../src/bridges/rxdb.ts";
import { createStore, type Store } from "../../src/create-store.ts";
import { pglite } from "../../src/driver/pglite.ts";
import { collectTombstones } from "../../src/sync/collect.ts";
import { type StoreReplica, storeReplica } from "../../src/sync/store-replica.ts";

export interface Hero {
  id: string;
  name: string;
  text?: string;
}

const schema = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 100 },
    name: { type: "string", maxLength: 100 },
    text: { type: "string" },
  },
  required: ["id", "name"],
  indexes: ["name"],
} as const;

/** A collection of its own in a database of its own: one device. It checks every document against its schema. */
export async function newDevice(): Promise<RxCollection<Hero>> {
  const database = await createRxDatabase({
    name: `heroes-${randomBytes(8).toString("hex")}`,
    storage: wrappedValidateAjvStorage({ storage: getRxStorageMemory() }),
    multiInstance: false,
  });
  onTestFinished(async () => {
    if (!database.closed) await database.close();
  });
  const { heroes } = await database.addCollections({ heroes: { schema } });
  return heroes as unknown as RxCollection<Hero>;
}

/** What a device holds, in order of the primary key. */
export async function heroesOf(device: RxCollection<Hero>): Promise<Hero[]> {
  const documents = await device.find({ sort: [{ id: "asc" }] }).exec();
  return documents.map((document) => document.toMutableJSON());
}

export interface Server {
  readonly replica: StoreReplica;
  /** The same, past the replication. */
  readonly store: Store;
  /** The same for somebody else. */
  replicaFor(principal: string): StoreReplica;
  /** Forgets what was deleted: cursors from before cannot be continued. */
  collect(): Promise<void>;
}

/** Gives servers with nothing in them. To be called where hooks are registered. */
export function withServers(): () => Promise<Server> {
  const driver = pglite();
  afterAll(() => driver.close());
  return async () => {
    const store = `heroes-${randomBytes(8).toString("hex")}`;
    const replicaFor = (principal: string) => storeReplica({ driver, store, principal });
    return {
      replica: replicaFor("tests"),
      replicaFor,
      store: await createStore(store, { driver }),
      async collect() {
        await collectTombstones({ driver, store }, { olderThanMs: 0 });
      },
    };
  };
}

export type ReplicateOptions = Omit<RxdbReplicationOptions<Hero>, "collection"> & { readonly live?: boolean };

/** A replication that lives until the test is over. It repeats what has failed at once. */
export function replicate(device: RxCollection<Hero>, options: ReplicateOptions) {
  const { live = false, ...rest } = options;
  const replication = replicateRxCollection({
    collection: device,
    replicationIdentifier: "tests",
    live,
    retryTime: 1,
    ...rxdbReplication({ collection: device, ...rest }),
  });
  onTestFinished(async () => {
    await replication.cancel();
  });
  return replication;
}

/** Pushes and pulls everything; the errors on the way. */
export async function syncOnce(device: RxCollection<Hero>, options: ReplicateOptions): Promise<unknown[]> {
  const replication = replicate(device, options);
  const errors = errorsOf(replication);
  await replication.awaitInitialReplication();
  return errors;
}

export function errorsOf(replication: RxReplicationState<Hero, RxdbCheckpoint>): unknown[] {
  const errors: unknown[] = [];
  replication.error$.subscribe((error) => errors.push(error));
  return errors;
}
