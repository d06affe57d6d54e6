import type { Driver, Row } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { storeMigrations } from "../migrate/embedded.ts";
import { type MigrateMode, withMigrations } from "../migrate/with-migrations.ts";
import { decodeCursor, encodeCursor, type Position } from "../sql/cursor.ts";
import { quoteIdentifier } from "../sql/identifier.ts";
import { checkKey, checkStoreName } from "../sql/key.ts";
import { DEFAULT_SYNC_LIMITS, type SyncLimits } from "./limits.ts";
import { mutationsToJson } from "./push-batch.ts";
import type {
  Change,
  ChangePage,
  Cursor,
  MutationResult,
  PushRefusal,
  PushResult,
  Replica,
  Resync,
} from "./replica.ts";

export interface StoreReplicaOptions {
  readonly driver: Driver;
  /** The store's name. */
  readonly store: string;
  /** On whose behalf: a client id belongs to the first principal that pushed with it. */
  readonly principal: string;
  /** Default `persist`. */
  readonly schema?: string | undefined;
  /** Creates and brings forward the tables on first use. Default `auto`. */
  readonly migrate?: MigrateMode | undefined;
  readonly limits?: Partial<SyncLimits> | undefined;
}

/**
 * A store in Postgres as a replica: each push and each pull is one statement.
 *
 * Both fail with `ValidationError` for a batch, cursor or limit that is not sound, and push with `CapabilityError` for an
 * operation that this version does not take. Refusals that a client must expect are values. A push may be sent again after
 * any error, also one with outcome `unknown`.
 *
 * @throws ValidationError when the store's, schema's or principal's name is not allowed
 */
export function storeReplica(options: StoreReplicaOptions): Replica {
  const { schema = "persist" } = options;
  const store = checkStoreName(options.store);
  const principal = checkKey(options.principal, "storeReplica: principal");
  const limits = { ...DEFAULT_SYNC_LIMITS, ...options.limits };
  const text = statements(schema);
  const driver = withMigrations(options.driver, {
    mode: options.migrate ?? "auto",
    set: storeMigrations,
    names: { schema },
  });

  return {
    async push(batch) {
      const mutations = mutationsToJson(batch, limits);
      if (batch.cursor !== undefined) decodeCursor(batch.cursor, "sync", store);
      const params = [store, batch.client, principal, mutations];
      const [row] = await driver.query({ text: text.push, params });
      return toPushResult(row);
    },

    async pull(cursor, limit) {
      const from = positionOf(cursor, store);
      const params = [store, from.epoch, JSON.stringify(from.lanes), checkLimit(limit, limits), limits.maxPageBytes];
      const [row] = await driver.query({ text: text.pull, params });
      return toChangePage(row, store);
    },
  };
}

function statements(schema: string): { readonly push: string; readonly pull: string } {
  const quoted = quoteIdentifier(schema, "schema");
  return {
    push: `select status, last_mutation, results, head
from ${quoted}.sync_push($1, $2, $3, $4)`,
    pull: `select status, why, epoch, "position", head, changes, more
from ${quoted}.sync_pull($1, $2, $3, $4, $5)`,
  };
}

function positionOf(cursor: Cursor | null, store: string): Position {
  const position = cursor === null ? undefined : decodeCursor(cursor, "sync", store);
  // A cursor from before the store's first write begins at the start, whatever was written since.
  return position?.epoch ? position : { kind: "sync", store, epoch: null, lanes: [] };
}

function checkLimit(limit: number, { maxChanges }: SyncLimits): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= maxChanges) return limit;
  throw new ValidationError(`pull: limit must be a whole number from 1 to ${maxChanges}`);
}

function toPushResult(row: Row | undefined): PushResult | PushRefusal {
  const status = row?.["status"];
  const lastMutation = Number(row?.["last_mutation"]);
  if (status === "gap") return { refused: status, lastMutation };
  if (status === "unknown-client" || status === "forbidden") return { refused: status };
  return { results: row?.["results"] as MutationResult[], lastMutation, head: toHead(row?.["head"]) };
}

function toChangePage(row: Row | undefined, store: string): ChangePage | Resync {
  if (row?.["status"] === "resync") return { resync: row["why"] as Resync["resync"] };
  const epoch = row?.["epoch"] as string | null;
  return {
    changes: row?.["changes"] as Change[],
    cursor: encodeCursor({ kind: "sync", store, epoch, lanes: row?.["position"] as Position["lanes"] }),
    more: row?.["more"] === true,
    head: toHead(row?.["head"]),
  };
}

/** The seq of each lane, `"0:1042,1:8"`. Not a cursor, so that nobody skips changes with it. */
function toHead(lanes: unknown): string {
  return (lanes as Position["lanes"]).map(([lane, seq]) => `${lane}:${seq}`).join(",");
}
