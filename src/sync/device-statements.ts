import type { Param, Statement } from "../driver.ts";

/** Whose sync: a store, by its name and its schema, quoted; and what the remote is called there. */
export interface SyncTarget {
  readonly store: string;
  readonly schema: string;
  readonly remote: string;
}

/** @param client the id to begin with, when this is the first sync with the remote */
export function openRemote(target: SyncTarget, client: string): Statement {
  return call(target, 'select client, "cursor", resync, awaits, clock_ahead_ms', "sync_open", [client]);
}

export interface LookAtHead {
  readonly epoch: string | null;
  /** JSON text of `[[lane, "seq"], …]`. Null where the head does not say. */
  readonly head: string | null;
  readonly serverTime: string;
  /** Nothing is pulled, which would tell of another history. */
  readonly isSender: boolean;
  /** The id to begin with in another history. */
  readonly client: string;
}

export function lookAtHead(target: SyncTarget, look: LookAtHead): Statement {
  const { epoch, head, serverTime, isSender, client } = look;
  return call(target, "select replaced", "sync_look", [epoch, head, serverTime, isSender, client]);
}

export interface TakeMutations {
  /** Who is sending. While what was taken is not settled nobody else gets it, for as long as the lease says. */
  readonly owner: string;
  readonly leaseMs: number;
  readonly limit: number;
  readonly maxBytes: number;
  /** Keys and streams that begin so. Empty for all. */
  readonly scope: string;
  /** Give records stamps, so that the remote decides by them. */
  readonly withHlc: boolean;
}

export function takeMutations(target: SyncTarget, take: TakeMutations): Statement {
  const { owner, leaseMs, limit, maxBytes, scope, withHlc } = take;
  return call(target, 'select status, client, "cursor", ack, mutations, more', "sync_take", [
    owner,
    String(Math.ceil(leaseMs)),
    limit,
    maxBytes,
    scope,
    withHlc,
  ]);
}

export interface SettleMutations {
  readonly owner: string;
  readonly client: string;
  /** JSON text of an array of results. */
  readonly results: string;
  readonly keepValue: boolean;
}

export function settleMutations(target: SyncTarget, settle: SettleMutations): Statement {
  const { owner, client, results, keepValue } = settle;
  return call(target, "select applied, conflicts, rejected, skewed", "sync_settle", [
    owner,
    client,
    results,
    keepValue,
  ]);
}

export function renameClient(target: SyncTarget, client: string, newClient: string): Statement {
  return call(target, "select renamed", "sync_rename", [client, newClient]);
}

export interface ApplyPage {
  readonly from: string | null;
  readonly to: string;
  /** JSON text of `[[lane, "seq"], …]`. */
  readonly position: string;
  /** JSON text of an array of changes. */
  readonly changes: string;
  readonly more: boolean;
  readonly keepValue: boolean;
  /** Of the history that the page is from; null while there is none. */
  readonly epoch: string | null;
  /** What was asked for: keys and streams that begin so. Empty for all. */
  readonly scope: string;
}

export function applyPage(target: SyncTarget, page: ApplyPage): Statement {
  const { from, to, position, changes, more, keepValue, epoch, scope } = page;
  const params = [from, to, position, changes, more, keepValue, epoch, scope];
  return call(target, "select status, written, unchanged, conflicts, resend, awaited", "sync_apply", params);
}

export function restartPull(target: SyncTarget, why: string): Statement {
  return call(target, "select generation", "sync_restart", [why]);
}

export function selectUnresolved(target: SyncTarget, limit: number): Statement {
  const columns =
    "select kind, key, base_version, base_value, has_base_value, local_version, local_value, local_deleted, local_hlc, is_edit, theirs";
  return call(target, columns, "sync_unresolved", [limit]);
}

export interface ResolveConflicts {
  /** JSON text of an array of `[kind, key, local_version, theirs_version, choice, value?]`. */
  readonly decisions: string;
  readonly keepValue: boolean;
  /** Why the edits that lose become dead letters. Null: they do not. */
  readonly reason: string | null;
}

export function resolveConflicts(target: SyncTarget, { decisions, keepValue, reason }: ResolveConflicts): Statement {
  return call(target, "select resolved, skipped", "sync_resolve", [decisions, keepValue, reason]);
}

export function selectStatus(target: SyncTarget): Statement {
  const columns = "select pending, in_flight, failed, conflicts, resync, pulled_at, oldest_pending_at";
  return call(target, columns, "sync_status", []);
}

export function selectFailed(target: SyncTarget, limit: number): Statement {
  const columns = "select id, operation, kind, key, payload, reason, attempts, created_at";
  return call(target, columns, "sync_failed", [limit]);
}

/** @param ids null for all */
export function redriveFailed(target: SyncTarget, ids: readonly string[] | null): Statement {
  return call(target, "select redriven", "sync_redrive", [ids && JSON.stringify(ids)]);
}

function call({ store, schema, remote }: SyncTarget, select: string, name: string, rest: readonly Param[]): Statement {
  const params = [store, remote, ...rest];
  const places = params.map((_, index) => `$${index + 1}`).join(", ");
  return { text: `${select} from ${schema}.${name}(${places})`, params };
}
