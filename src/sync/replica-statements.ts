import type { Statement } from "../driver.ts";
import type { Position } from "../sql/cursor.ts";

/** Which store, and where it is. */
export interface ReplicaTarget {
  /** Quoted. */
  readonly schema: string;
  readonly store: string;
}

export interface PushRequest {
  readonly principal: string;
  readonly client: string;
  /** That of the client's cursor. */
  readonly from: Position;
  readonly ack: number | null;
  readonly bounds: { readonly maxSkewMs: number; readonly maxValueBytes: number };
  /** JSON text, as `mutationsToJson` gives it. */
  readonly mutations: string;
}

/** A row for `toPushResult`. */
export function pushMutations(target: ReplicaTarget, request: PushRequest): Statement {
  const { principal, client, from, ack, bounds, mutations } = request;
  return {
    text: `select status, why, last_mutation, results, head
from ${target.schema}.sync_push_v2($1, $2, $3, $4, $5, $6, $7, $8)`,
    params: [
      target.store,
      client,
      principal,
      from.epoch,
      JSON.stringify(from.lanes),
      ack === null ? null : String(ack),
      JSON.stringify(bounds),
      mutations,
    ],
  };
}

export interface PullRequest {
  readonly from: Required<Position>;
  readonly limit: number;
  readonly maxBytes: number;
  readonly client: string | null;
  /** Whose client it must be. */
  readonly principal: string;
  readonly knownHead: string | null;
  readonly knownEpoch?: string | null | undefined;
}

/** A row for `toPage`. */
export function selectChanges(target: ReplicaTarget, request: PullRequest): Statement {
  const { from, limit, maxBytes, client, principal, knownHead, knownEpoch } = request;
  return {
    text: `select status, why, epoch, "position", head, changes, more, last_mutation
from ${target.schema}.sync_pull_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    params: [
      target.store,
      from.epoch,
      JSON.stringify(from.lanes),
      limit,
      maxBytes,
      from.scope,
      client,
      knownHead,
      knownEpoch ?? null,
      principal,
    ],
  };
}

/** A row for `toFeedHead`. */
export function selectHead(target: ReplicaTarget): Statement {
  return { text: `select epoch, head, server_time from ${target.schema}.sync_head($1)`, params: [target.store] };
}
