import { isDeepStrictEqual } from "node:util";
import type { MutationResult } from "../../src/sync/replica.ts";
import { judge, type ModelRow, type PushedMutation, type TimeSpan, written } from "./server-judgement.ts";

/** What a push asked for and what it came to, as the statement was. */
export interface ObservedPush {
  readonly client: string;
  readonly principal: string;
  readonly ack: number | null;
  /** Whether it came with a cursor. */
  readonly hasCursor: boolean;
  readonly mutations: readonly PushedMutation[];
  readonly status: string;
  readonly lastMutation: number | null;
  readonly results: readonly MutationResult[];
  /** By the clock of this machine, which is that of the database. */
  readonly at: TimeSpan;
}

/** What the server's store should hold, in the plainest words: one map of rows, and what is known of each client. */
export interface ServerModel {
  /** Foretells the outcome and fails when it was another one. What only the database's clock could decide is taken from it. */
  push(push: ObservedPush): void;
  /** The rows as they are, after somebody wrote without a push. */
  load(rows: ReadonlyMap<string, ModelRow>): void;
  rows(): ReadonlyMap<string, ModelRow>;
  /** Everything, to come back to. */
  save(): SavedModel;
  restore(saved: SavedModel): void;
}

export interface SavedModel {
  readonly rows: ReadonlyMap<string, ModelRow>;
  readonly clients: ReadonlyMap<string, ModelClient>;
}

interface ModelClient {
  principal: string;
  last: number;
  acknowledged: number;
  /** The mutations of the last push, as JSON. */
  recent: Map<number, string>;
  /** What mutations came to that are not forgotten. */
  outcomes: Map<number, MutationResult>;
}

export function serverModel(): ServerModel {
  let rows = new Map<string, ModelRow>();
  let clients = new Map<string, ModelClient>();

  function statusOf(push: ObservedPush, client: ModelClient | undefined): string {
    const first = push.mutations[0]?.id ?? 0;
    if (client === undefined) return first === 1 ? "ok" : "unknown-client";
    if (client.principal !== push.principal) return "forbidden";
    if (push.ack !== null && push.ack < client.acknowledged) return "unknown-client";
    const isCopy = push.mutations.some(
      (mutation) => (client.recent.get(mutation.id) ?? textOf(mutation)) !== textOf(mutation),
    );
    if (isCopy && first <= client.last) return "unknown-client";
    return first > client.last + 1 ? "gap" : "ok";
  }

  function decide(push: ObservedPush, mutation: PushedMutation, result: MutationResult): MutationResult {
    if (mutation.op === "reject") return { id: mutation.id, status: "rejected", why: mutation.why };
    // Streams are compared at the end; here only that an event is taken.
    if (mutation.op === "append") return result;
    const place = placeOf(mutation);
    const row = rows.get(place);
    const verdict = judge(row, mutation, push.at) ?? adopted(row, result);
    if (verdict === "write" || verdict === "stamp") rows.set(place, written(row, mutation, verdict, push.at));
    const version = rows.get(place)?.version;
    switch (verdict) {
      case "write":
      case "stamp":
      case "same":
        return { id: mutation.id, status: "applied", ...(version !== undefined && { version }) };
      case "conflict":
        return { id: mutation.id, status: "conflict", version: version ?? 0 };
      default:
        return { id: mutation.id, status: verdict };
    }
  }

  function taken(push: ObservedPush, client: ModelClient): void {
    const answers = new Map(push.results.map((result) => [result.id, result]));
    const previous = client.last;
    // Mutations of one key are applied in order; those of different keys do not meet.
    for (const mutation of push.mutations) {
      const result = answers.get(mutation.id);
      if (result === undefined) throw new Error(`push: mutation ${mutation.id} has no result`);
      const foretold =
        mutation.id > previous
          ? decide(push, mutation, result)
          : repeated(client.outcomes.get(mutation.id), mutation.id);
      checkResult(push, mutation, { result, foretold, row: rows.get(placeOf(mutation)) });
      if (mutation.id > previous) client.outcomes.set(mutation.id, result);
    }
    const last = push.mutations.at(-1)?.id ?? 0;
    if (last > previous) client.recent = new Map(push.mutations.map((mutation) => [mutation.id, textOf(mutation)]));
    client.last = Math.max(previous, last);
    if (push.ack !== null) {
      client.acknowledged = Math.max(client.acknowledged, Math.min(push.ack, (push.mutations[0]?.id ?? 1) - 1));
    }
  }

  return {
    push(push) {
      const known = clients.get(push.client);
      const foretold = statusOf(push, known);
      // Where the floor is, the model does not know: a resync is always allowed to who came with a cursor.
      if (push.status === "resync" && foretold === "ok" && push.hasCursor) return;
      if (push.status !== foretold)
        throw new Error(`push of ${push.client}: came to ${push.status}, not to ${foretold}`);
      if (foretold !== "ok") return;
      const client = known ?? newClient(push.principal);
      clients.set(push.client, client);
      taken(push, client);
      if (push.lastMutation !== client.last) {
        throw new Error(`push of ${push.client}: last mutation is ${push.lastMutation}, not ${client.last}`);
      }
    },
    load(loaded) {
      rows = new Map(loaded);
    },
    rows: () => rows,
    save: () => structuredClone({ rows, clients }),
    restore(saved) {
      ({ rows, clients } = structuredClone(saved) as { rows: typeof rows; clients: typeof clients });
    },
  };
}

/** `record:key` or `kv:key`. */
export function placeOf(mutation: PushedMutation): string {
  return `${mutation.op.startsWith("kv.") ? "kv" : "record"}:${mutation.key}`;
}

function newClient(principal: string): ModelClient {
  return { principal, last: 0, acknowledged: 0, recent: new Map(), outcomes: new Map() };
}

/** What was not applied is answered the same on every retry; what was, as a duplicate. */
function repeated(outcome: MutationResult | undefined, id: number): MutationResult | undefined {
  if (outcome === undefined) return undefined;
  return outcome.status === "applied" ? { id, status: "duplicate" } : outcome;
}

function adopted(row: ModelRow | undefined, { status, version }: MutationResult) {
  if (status === "applied") return version === row?.version ? "same" : "write";
  if (status === "duplicate") throw new Error("a new mutation was called a duplicate");
  return status;
}

interface Compared {
  readonly result: MutationResult;
  readonly foretold: MutationResult | undefined;
  readonly row: ModelRow | undefined;
}

function checkResult(push: ObservedPush, mutation: PushedMutation, { result, foretold, row }: Compared): void {
  if (foretold === undefined) return;
  const { status, version, current } = result;
  const isRight =
    status === foretold.status &&
    (status === "duplicate" || version === foretold.version || (status !== "applied" && status !== "conflict"));
  const isCurrent =
    current === undefined ||
    foretold.current !== undefined ||
    row === undefined ||
    (current.version === row.version && (current.deleted || isDeepStrictEqual(current.value, row.value)));
  if (isRight && isCurrent) return;
  throw new Error(
    `push of ${push.client}: ${JSON.stringify(mutation)} came to ${JSON.stringify(result)}, not to ${JSON.stringify(foretold)}; there was ${JSON.stringify(row)}`,
  );
}

function textOf(mutation: PushedMutation): string {
  return JSON.stringify(mutation);
}
