import type { CallOptions, Row, Statement } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";
import { checkLimit } from "../sql/limit.ts";
import type { ReadOptions } from "./read-options.ts";
import { onlyRow, runStatement, type StoreContext } from "./store-context.ts";

/** A record that was changed here and at a remote, under the sync strategy `manual` or after a merge that failed. */
export interface RecordConflict<T = unknown> {
  readonly key: string;
  /** The remote, by its name in this store's database. */
  readonly remote: string;
  /** What is here, and what every read gives until the conflict is decided. */
  readonly local: ConflictSide<T>;
  readonly theirs: ConflictSide<T>;
}

export interface ConflictSide<T = unknown> {
  /** Undefined when it is deleted on this side. */
  readonly value: T | undefined;
  /** Each side counts its own versions. */
  readonly version: number;
}

export interface ConflictsOptions extends ReadOptions {
  /** Only those with this remote. */
  readonly remote?: string | undefined;
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}

export interface ResolveOptions extends CallOptions {
  /** Only the conflict with this remote. Default: those with all of them. */
  readonly remote?: string | undefined;
}

/** Whose state a conflict ends with, or a value that takes the place of both. */
export type Winner<T = unknown> = "local" | "remote" | { readonly value: T };

export interface RecordConflicts {
  /**
   * The records that wait for a decision, in key order for each remote. What is decided leaves the list, so the next ones
   * come with the next call.
   */
  conflicts<T = unknown>(options?: ConflictsOptions): Promise<readonly RecordConflict<T>[]>;
  /**
   * Decides a conflict. Whether there was one. What the remote does not have yet is sent with the next sync, as an edit of
   * what it has now.
   *
   * @throws ValidationError when the value cannot be stored as it is
   * @example
   * ```ts
   * for (const { key, local, theirs } of await store.records.conflicts<Note>()) {
   *   const text = `${local.value?.text ?? ""}\n${theirs.value?.text ?? ""}`;
   *   await store.records.resolve(key, { value: { text } });
   * }
   * ```
   */
  resolve<T = unknown>(key: string, winner: Winner<T>, options?: ResolveOptions): Promise<boolean>;
}

export function recordConflicts(context: StoreContext): RecordConflicts {
  const { store, emit } = context;

  return {
    async conflicts<T>(options: ConflictsOptions = {}): Promise<readonly RecordConflict<T>[]> {
      const remote = checkRemote(options.remote, "records.conflicts");
      const limit = checkLimit(options.limit, "records.conflicts");
      const rows = await runStatement(context, "records.conflicts", selectConflicts(context, remote, limit), options);
      return rows.map(toConflict<T>);
    },

    async resolve<T>(key: string, winner: Winner<T>, options: ResolveOptions = {}): Promise<boolean> {
      checkKey(key, "records.resolve: key");
      const remote = checkRemote(options.remote, "records.resolve");
      const [choice, json] = checkWinner(winner, context.maxValueBytes);
      const statement = decideConflict(context, { remote, key, choice, json });
      const row = onlyRow(await runStatement(context, "records.resolve", statement, options), "records.resolve");
      if (row["status"] !== "resolved") return false;
      const version = row["version"] === null ? {} : { version: Number(row["version"]) };
      emit?.({ type: "record:resolve", store, key, winner: choice, ...version });
      return true;
    },
  };
}

type Target = Pick<StoreContext, "store" | "schema">;
type Choice = "local" | "remote" | "value";

function selectConflicts({ store, schema }: Target, remote: string | null, limit: number): Statement {
  return {
    text: `select remote, key, local_value, local_version, local_deleted, remote_value, remote_version, remote_deleted
from ${schema}.sync_conflicts($1, $2, $3)`,
    params: [store, remote, limit],
  };
}

interface Decide {
  readonly remote: string | null;
  readonly key: string;
  readonly choice: Choice;
  readonly json: string | null;
}

/** Answers `status` and `version`. The remote's value is kept beside the version, for a merge that may follow. */
function decideConflict({ store, schema }: Target, { remote, key, choice, json }: Decide): Statement {
  return {
    text: `select status, version from ${schema}.sync_decide($1, $2, $3, $4, $5, $6)`,
    params: [store, remote, key, choice, json, true],
  };
}

function checkRemote(remote: string | undefined, what: string): string | null {
  return remote === undefined ? null : checkKey(remote, `${what}: remote`);
}

function checkWinner(winner: unknown, maxValueBytes: number | undefined): [Choice, string | null] {
  if (winner === "local" || winner === "remote") return [winner, null];
  if (typeof winner === "object" && winner !== null && "value" in winner) {
    return ["value", toJson(winner.value, "records.resolve: value", maxValueBytes)];
  }
  throw new ValidationError('records.resolve: the winner is "local", "remote" or { value }');
}

function toConflict<T>(row: Row): RecordConflict<T> {
  return {
    key: String(row["key"]),
    remote: String(row["remote"]),
    local: toSide(row, "local"),
    theirs: toSide(row, "remote"),
  };
}

function toSide<T>(row: Row, side: "local" | "remote"): ConflictSide<T> {
  const value = row[`${side}_deleted`] === true ? undefined : (row[`${side}_value`] as T);
  return { value, version: Number(row[`${side}_version`]) };
}
