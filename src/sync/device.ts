import type { CallOptions, Row, Statement } from "../driver.ts";
import { onlyRow, runStatement, type StoreContext } from "../stores/store-context.ts";
import type { Lanes } from "./cursor-place.ts";
import {
  type ApplyPage,
  applyPage,
  type LookAtHead,
  lookAtHead,
  openRemote,
  type ResolveConflicts,
  redriveFailed,
  renameClient,
  resolveConflicts,
  restartPull,
  type SettleMutations,
  selectFailed,
  selectStatus,
  selectUnresolved,
  settleMutations,
  type TakeMutations,
  takeMutations,
} from "./device-statements.ts";
import type { Change, CurrentState, Cursor, Mutation, Resync } from "./replica.ts";

/** Where the sync with a remote stands. */
export interface DeviceState {
  readonly client: string;
  readonly cursor: Cursor | null;
  /** Everything is being pulled again, for this reason. */
  readonly resync: Resync["resync"] | null;
  /** Something was sent and taken that has not been pulled yet. */
  readonly awaits: boolean;
  /** The clock of the store was found to be ahead of the remote's. */
  readonly isAhead: boolean;
}

export interface TakenMutations {
  /** `idle`: nothing waits, or a resync comes first. `busy`: somebody else is sending. */
  readonly status: "ok" | "idle" | "busy";
  readonly client: string;
  readonly cursor: Cursor | null;
  readonly ack: number;
  readonly mutations: readonly Mutation[];
  readonly more: boolean;
}

/** A change of the remote that met an edit. */
export interface Meeting {
  readonly kind: "record" | "kv";
  readonly key: string;
  /** 0 when the remote never had it, as far as this store knows. */
  readonly baseVersion: number;
  /** Undefined when there was none, or when it was not kept. */
  readonly base: unknown;
  readonly localVersion: number;
  /** Undefined when it is deleted here. */
  readonly local: unknown;
  readonly localHlc: string;
  /** False for what is here only because the remote once had it, and has lost it in a restore. */
  readonly isEdit: boolean;
  readonly theirs: Theirs;
}

/** The remote's side of a meeting. `gone`: it is not there, and there is no trace of when it was deleted. */
export type Theirs = Partial<Omit<Exclude<Change, { kind: "event" }>, "deleted"> & CurrentState> & {
  readonly version: number;
  readonly gone?: true;
};

type PageCount = "written" | "unchanged" | "conflicts";

export interface AppliedPage extends Counts<PageCount> {
  /** The page has shown that something has to be sent which was sent before. */
  readonly resend: boolean;
  /** How far the remote's feed has to get until all that it has taken is pulled; null when it is, and while there are more pages. */
  readonly awaited: Lanes | null;
}

/** The state of the sync of a store with one remote, in the store's database. Each call is one statement. */
export interface SyncDevice {
  open(client: string, options?: CallOptions): Promise<DeviceState>;
  /** Takes in what the remote's head says. Whether it is another history than the one that was sent to: all of it waits again. */
  look(look: LookAtHead, options?: CallOptions): Promise<boolean>;
  take(take: TakeMutations, options?: CallOptions): Promise<TakenMutations>;
  settle(
    settle: SettleMutations,
    options?: CallOptions,
  ): Promise<Counts<"applied" | "conflicts" | "rejected" | "skewed">>;
  rename(client: string, newClient: string, options?: CallOptions): Promise<boolean>;
  /**
   * Nothing was applied when it is `stale`: the store is not at the page's beginning any more; or `replaced`: the page is of another
   * history than the store has read.
   */
  apply(page: ApplyPage, options?: CallOptions): Promise<AppliedPage | "stale" | "replaced">;
  restart(why: Resync["resync"], options?: CallOptions): Promise<void>;
  unresolved(limit: number, options?: CallOptions): Promise<readonly Meeting[]>;
  resolve(decisions: ResolveConflicts, options?: CallOptions): Promise<Counts<"resolved" | "skipped">>;
  /** Undefined when there never was a sync with the remote. */
  status(options?: CallOptions): Promise<Row | undefined>;
  failed(limit: number, options?: CallOptions): Promise<readonly Row[]>;
  redrive(ids: readonly string[] | null, options?: CallOptions): Promise<number>;
}

type Counts<Name extends string> = { readonly [N in Name]: number };

export function syncDevice(context: StoreContext, remote: string): SyncDevice {
  const target = { store: context.store, schema: context.schema, remote };

  async function row(operation: string, statement: Statement, options: CallOptions | undefined): Promise<Row> {
    return onlyRow(await runStatement(context, operation, statement, options), operation);
  }

  return {
    async open(client, options) {
      return toState(await row("sync.open", openRemote(target, client), options));
    },
    async look(look, options) {
      return (await row("sync.look", lookAtHead(target, look), options))["replaced"] === true;
    },
    async take(take, options) {
      return toTaken(await row("sync.take", takeMutations(target, take), options));
    },
    async settle(settle, options) {
      const settled = await row("sync.settle", settleMutations(target, settle), options);
      return counts(settled, ["applied", "conflicts", "rejected", "skewed"]);
    },
    async rename(client, newClient, options) {
      const { renamed } = await row("sync.rename", renameClient(target, client, newClient), options);
      return renamed === true;
    },
    async apply(page, options) {
      const applied = await row("sync.apply", applyPage(target, page), options);
      const { status } = applied;
      if (status === "stale" || status === "replaced") return status;
      return {
        ...counts<PageCount>(applied, ["written", "unchanged", "conflicts"]),
        resend: applied["resend"] === true,
        awaited: applied["awaited"] as Lanes | null,
      };
    },
    async restart(why, options) {
      await runStatement(context, "sync.restart", restartPull(target, why), options);
    },
    async unresolved(limit, options) {
      return (await runStatement(context, "sync.unresolved", selectUnresolved(target, limit), options)).map(toMeeting);
    },
    async resolve(decisions, options) {
      const resolved = await row("sync.resolve", resolveConflicts(target, decisions), options);
      return counts(resolved, ["resolved", "skipped"]);
    },
    async status(options) {
      const [status] = await runStatement(context, "sync.status", selectStatus(target), options);
      return status;
    },
    failed: (limit, options) => runStatement(context, "sync.failed", selectFailed(target, limit), options),
    async redrive(ids, options) {
      return Number((await row("sync.redrive", redriveFailed(target, ids), options))["redriven"]);
    },
  };
}

function counts<Name extends string>(row: Row, names: readonly Name[]): Counts<Name> {
  return Object.fromEntries(names.map((name) => [name, Number(row[name])])) as Counts<Name>;
}

function toState(row: Row): DeviceState {
  return {
    client: String(row["client"]),
    cursor: row["cursor"] as Cursor | null,
    resync: row["resync"] as DeviceState["resync"],
    awaits: row["awaits"] === true,
    isAhead: Number(row["clock_ahead_ms"]) > 0,
  };
}

function toTaken(row: Row): TakenMutations {
  return {
    status: row["status"] as TakenMutations["status"],
    client: String(row["client"]),
    cursor: row["cursor"] as Cursor | null,
    ack: Number(row["ack"] ?? 0),
    mutations: row["mutations"] as readonly Mutation[],
    more: row["more"] === true,
  };
}

function toMeeting(row: Row): Meeting {
  const baseVersion = Number(row["base_version"]);
  return {
    kind: row["kind"] as Meeting["kind"],
    key: String(row["key"]),
    baseVersion,
    base: row["has_base_value"] === true ? row["base_value"] : undefined,
    localVersion: Number(row["local_version"]),
    local: row["local_deleted"] === true ? undefined : row["local_value"],
    localHlc: String(row["local_hlc"]),
    isEdit: row["is_edit"] === true,
    theirs: { version: 0, ...(row["theirs"] as Partial<Theirs>) },
  };
}
