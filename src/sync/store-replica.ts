import { PersistError, ValidationError } from "../errors.ts";
import { decodeCursor, type Position } from "../sql/cursor.ts";
import { checkKey, checkPrefix } from "../sql/key.ts";
import { againIfIdTaken } from "../stores/id-taken.ts";
import { callOptions, onlyRow } from "../stores/store-context.ts";
import { DEFAULT_MAX_SKEW_MS, DEFAULT_SYNC_LIMITS, type SyncLimits } from "./limits.ts";
import { mutationsToJson } from "./push-batch.ts";
import type { ChangePage, Cursor, PullOptions, Replica, Resync } from "./replica.ts";
import { toFeedHead, toPage, toPushResult } from "./replica-rows.ts";
import { pushMutations, type ReplicaTarget, selectChanges, selectHead } from "./replica-statements.ts";
import { openTarget, type StoreTarget } from "./store-target.ts";

export interface StoreReplicaOptions extends StoreTarget {
  /** On whose behalf: a client id belongs to the first principal that pushed with it. */
  readonly principal: string;
  readonly limits?: Partial<SyncLimits> | undefined;
  /** How far a stamp may be ahead of the database's clock, in milliseconds. Default 5 minutes. */
  readonly maxSkewMs?: number | undefined;
}

/** A replica whose database is at hand, and so can say a little more than one behind a wire. */
export interface StoreReplica extends Replica {
  readonly limits: SyncLimits;
  readonly maxSkewMs: number;
  /** As `pull`, but reads no change when the feed is still as the caller knows it. */
  pullUnlessHead(
    cursor: Cursor | null,
    limit: number,
    knownHead: string | null,
    options?: PullUnlessHeadOptions,
  ): Promise<StorePage | Unchanged | Resync>;
}

export interface PullUnlessHeadOptions extends PullOptions {
  /** The epoch that came with the known head. Where it is given and another now, the feed does not count as unchanged. */
  readonly knownEpoch?: string | null | undefined;
}

export interface StorePage extends ChangePage {
  /** Null while the store has no history. */
  readonly epoch: string | null;
}

export interface Unchanged {
  readonly unchanged: true;
  readonly head: string;
  readonly epoch: string | null;
  /** As in a page. */
  readonly lastMutation?: number;
}

/**
 * A store in Postgres as a replica: each push, each pull and each look at the head is one statement.
 *
 * All fail with `ValidationError` for a batch, cursor, limit or scope that is not sound. Refusals that a client must expect are
 * values, and a mutation that can never be applied is rejected alone. A push may be sent again after any error, also one with
 * outcome `unknown`.
 *
 * @throws ValidationError when the store's, schema's or principal's name is not allowed
 * @example
 * ```ts
 * const replica = storeReplica({ driver, store: "quakes", principal: "alice" });
 * const page = await replica.pull(null, 100);
 * ```
 */
export function storeReplica(options: StoreReplicaOptions): StoreReplica {
  const { maxSkewMs = DEFAULT_MAX_SKEW_MS } = options;
  const { driver, schema, store } = openTarget(options);
  const principal = checkKey(options.principal, "storeReplica: principal");
  const limits = { ...DEFAULT_SYNC_LIMITS, ...options.limits };
  const target: ReplicaTarget = { schema, store };

  async function read(
    cursor: Cursor | null,
    limit: number,
    asked: PullUnlessHeadOptions & { knownHead: string | null },
  ) {
    const scope = checkPrefix(asked.scope ?? "", "pull: scope");
    const client = asked.client === undefined ? null : checkKey(asked.client, "pull: client");
    const from = positionOf(cursor, store, scope);
    const request = { from, limit: checkLimit(limit, limits), maxBytes: limits.maxPageBytes, client, principal };
    if (from.scope !== scope) return { resync: "scope" } as const;
    const statement = selectChanges(target, { ...request, knownHead: asked.knownHead, knownEpoch: asked.knownEpoch });
    return toPage(onlyRow(await driver.query(statement, callOptions(asked)), "pull"), store, scope);
  }

  return {
    limits,
    maxSkewMs,

    async push(batch, asked) {
      const mutations = mutationsToJson(batch, limits);
      const { client, cursor = null, ack = null, scope = "" } = batch;
      const from = positionOf(cursor, store, scope);
      if (from.scope !== scope) return { resync: "scope" };
      const bounds = { maxSkewMs, maxValueBytes: limits.maxValueBytes };
      const statement = pushMutations(target, { principal, client, from, ack, bounds, mutations });
      try {
        const rows = await againIfIdTaken(() => driver.query(statement, callOptions(asked)));
        return toPushResult(onlyRow(rows, "push"));
      } catch (error) {
        if (error instanceof PersistError && error.sqlstate === BELOW_FLOOR) return { resync: "floor" };
        throw error;
      }
    },

    async pull(cursor, limit, asked) {
      const answer = await read(cursor, limit, { ...asked, knownHead: null });
      if ("resync" in answer) return answer;
      if ("unchanged" in answer) throw new Error("pull: a page was asked for without a known head");
      const { epoch: _, ...page } = answer;
      return page;
    },

    pullUnlessHead: (cursor, limit, knownHead, asked) => read(cursor, limit, { ...asked, knownHead }),

    async head(asked) {
      return toFeedHead(onlyRow(await driver.query(selectHead(target), callOptions(asked)), "head"));
    },
  };
}

/** `sync_push_v2`: tombstones were collected while the push was applied. Nothing of it was. */
const BELOW_FLOOR = "OT005";

/**
 * A cursor from before the store's first write begins at the start. Its holder may have written since, so it is not one that
 * knows nothing: tombstones that were collected concern it.
 */
function positionOf(cursor: Cursor | null, store: string, scope: string): Required<Position> {
  const start = { kind: "sync", store, epoch: null, lanes: [], scope } as const;
  if (cursor === null) return start;
  const position = decodeCursor(cursor, "sync", store);
  return position.epoch === null ? { ...start, epoch: "", scope: position.scope } : position;
}

function checkLimit(limit: number, { maxChanges }: SyncLimits): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= maxChanges) return limit;
  throw new ValidationError(`pull: limit must be a whole number from 1 to ${maxChanges}`);
}
