import type { RxCollection, RxReplicationWriteToMasterRow, WithDeleted } from "rxdb";
import type { Observable } from "rxjs";
import { CapabilityError } from "../errors.ts";
import { checkPrefix } from "../sql/key.ts";
import { httpReplica } from "../sync/http-replica.ts";
import type { RejectedReason } from "../sync/replica.ts";
import { pullProgress } from "./rxdb-progress.ts";
import { type LocalDocuments, type RxdbCheckpoint, rxdbPull } from "./rxdb-pull.ts";
import { rxdbPush } from "./rxdb-push.ts";
import { mutationSender } from "./rxdb-sender.ts";
import { resyncStream, type WatchedReplica } from "./rxdb-stream.ts";

export type { RxdbCheckpoint } from "./rxdb-pull.ts";

export interface RxdbReplicationOptions<RxDocType> {
  /** The collection that is replicated: the same that `replicateRxCollection` is given. Without attachments. */
  readonly collection: RxCollection<RxDocType, unknown, unknown, unknown>;
  /** The store: `https://api.example.com/sync/v1/notes`, or a replica. */
  readonly remote: string | URL | WatchedReplica;
  /** For a URL: the bearer token, or what gives it. */
  readonly authToken?: string | (() => string | Promise<string>) | undefined;
  /** What the keys of the records begin with, so that several collections fit into one store. Default: nothing. */
  readonly prefix?: string | undefined;
  /** Documents of one pull or push. Default 100. */
  readonly batchSize?: number | undefined;
  /**
   * An id of this device and collection for good. With it the server remembers one client, without it one for each start. No
   * two devices or tabs that are replicating at the same time may share it.
   */
  readonly client?: string | undefined;
  /** From one look at the feed to the next, in milliseconds, where the remote cannot wait for a change. Default 5,000. */
  readonly liveIntervalMs?: number | undefined;
  /**
   * Told of a document that the server can never take: it stays on the device alone. Without it the push fails with a
   * `ValidationError`, and RxDB tries it again and again.
   */
  readonly onRejected?: ((document: WithDeleted<RxDocType>, why: RejectedReason) => void) | undefined;
}

/** What `replicateRxCollection` asks for. */
export interface RxdbReplication<RxDocType> {
  readonly pull: {
    handler(
      checkpoint: RxdbCheckpoint | undefined,
      batchSize: number,
    ): Promise<{ documents: WithDeleted<RxDocType>[]; checkpoint: RxdbCheckpoint }>;
    readonly batchSize: number;
    readonly stream$: Observable<"RESYNC">;
  };
  readonly push: {
    handler(rows: RxReplicationWriteToMasterRow<RxDocType>[]): Promise<WithDeleted<RxDocType>[]>;
    readonly batchSize: number;
  };
}

/**
 * Replicates a collection of RxDB 17 with the records of a store. A document is a record whose key is the primary key; a
 * deleted one is a tombstone. A push is decided by comparing what is there with what the device believes to be there, so that
 * one that is repeated after a lost reply does no harm, and what else is there comes back as RxDB's conflict. Records that are no
 * objects, key-value entries and events stay out.
 *
 * When the server asks to begin anew, one pull brings everything, and documents that the server has no more are deleted on the
 * device, except those with edits that were not pushed.
 *
 * @throws CapabilityError for a collection with attachments: keep binary objects elsewhere
 * @throws ValidationError for a prefix that cannot begin a key
 * @example
 * ```ts
 * import { rxdbReplication } from "onetrip/rxdb";
 * import { replicateRxCollection } from "rxdb/plugins/replication";
 *
 * const remote = "https://api.example.com/sync/v1/notes";
 * const replication = replicateRxCollection({
 *   collection: db.heroes,
 *   replicationIdentifier: remote,
 *   ...rxdbReplication({ collection: db.heroes, remote, authToken, prefix: "heroes:" }),
 * });
 * await replication.awaitInitialReplication();
 * ```
 */
export function rxdbReplication<RxDocType>(options: RxdbReplicationOptions<RxDocType>): RxdbReplication<RxDocType> {
  const { collection, authToken, client, batchSize = 100, liveIntervalMs = 5000 } = options;
  if (collection.schema.jsonSchema.attachments !== undefined) {
    throw new CapabilityError(
      "rxdbReplication: attachments are not replicated; keep binary objects in an object store",
    );
  }
  const prefix = checkPrefix(options.prefix ?? "", "rxdbReplication: prefix");
  const names = { primaryPath: String(collection.schema.primaryPath), prefix };
  const replica = toReplica(options.remote, authToken);
  const progress = pullProgress();
  const send = mutationSender({ replica, scope: prefix || undefined, client });
  const { onRejected } = options as Pick<RxdbReplicationOptions<Record<string, unknown>>, "onRejected">;

  // RxDB's types name the documents; the parts know them by their members.
  const pull = rxdbPull({ replica, names, local: documentsOf(collection), progress });
  const push = rxdbPush({ send, names, onRejected });
  return {
    pull: { handler: pull, batchSize, stream$: resyncStream({ replica, progress, intervalMs: liveIntervalMs }) },
    push: { handler: push, batchSize },
  } as unknown as RxdbReplication<RxDocType>;
}

function toReplica(
  remote: RxdbReplicationOptions<unknown>["remote"],
  authToken: RxdbReplicationOptions<unknown>["authToken"],
): WatchedReplica {
  return typeof remote === "string" || remote instanceof URL ? httpReplica(String(remote), { authToken }) : remote;
}

function documentsOf<RxDocType>(collection: RxdbReplicationOptions<RxDocType>["collection"]): LocalDocuments {
  return {
    async all() {
      const documents = await collection.find().exec();
      return new Map(
        documents.map((document) => [document.primary, document.toMutableJSON() as Record<string, unknown>]),
      );
    },
    async some(primaries) {
      const documents = await collection.findByIds(primaries).exec();
      return new Map(
        Array.from(documents, ([primary, document]) => [primary, document.toMutableJSON() as Record<string, unknown>]),
      );
    },
  };
}
