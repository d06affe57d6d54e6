import { PersistError, ValidationError } from "../errors.ts";
import { DEFAULT_SYNC_LIMITS } from "../sync/limits.ts";
import type { MutationResult, RejectedReason } from "../sync/replica.ts";
import { asDeleted, type DocumentNames, keyOf, type RxdbDocument, toDocument, toValue } from "./rxdb-document.ts";
import type { Assumed, mutationSender, Unnumbered } from "./rxdb-sender.ts";

/** A write of a document, and what the device believes to be there. */
export interface PushRow {
  readonly newDocumentState: RxdbDocument;
  readonly assumedMasterState?: RxdbDocument | undefined;
}

export interface PushParts {
  readonly send: ReturnType<typeof mutationSender>;
  readonly names: DocumentNames;
  /** Told of what can never be applied. Without it the push fails. */
  readonly onRejected: ((document: RxdbDocument, why: RejectedReason) => void) | undefined;
}

/** Hands rows over, one call after the other, and gives back what is there instead of those that met something else. */
export function rxdbPush({ send, names, onRejected = refuse }: PushParts) {
  let queue: Promise<unknown> = Promise.resolve();

  return function push(rows: readonly PushRow[]): Promise<RxdbDocument[]> {
    const pushed = queue.then(() => pushRows(rows));
    queue = pushed.catch(() => undefined);
    return pushed;
  };

  async function pushRows(rows: readonly PushRow[]): Promise<RxdbDocument[]> {
    const conflicts: RxdbDocument[] = [];
    const rejected: [RxdbDocument, RejectedReason][] = [];
    let writes = rows.map((row) => toWrite(row, names));
    while (writes.length > 0) {
      const again: Write[] = [];
      for (const batch of inBatches(writes)) {
        const results = await send(batch.map(({ mutation }) => mutation));
        for (const [index, write] of batch.entries()) {
          const outcome = judge(write, results[index], names);
          if ("conflict" in outcome) conflicts.push(outcome.conflict);
          if ("again" in outcome) again.push(outcome.again);
          if ("rejected" in outcome) rejected.push([write.row.newDocumentState, outcome.rejected]);
        }
      }
      writes = again;
    }
    for (const [document, why] of rejected) onRejected(document, why);
    return conflicts;
  }
}

interface Write {
  readonly row: PushRow;
  readonly mutation: Unnumbered;
  /** The answer to many had no room for what is there. */
  readonly isAlone?: boolean;
  readonly isWithoutPrimary?: boolean;
}

type WriteOutcome =
  | { readonly taken: true }
  | { readonly conflict: RxdbDocument }
  | { readonly again: Write }
  | { readonly rejected: RejectedReason };

function toWrite(row: PushRow, names: DocumentNames): Write {
  const { newDocumentState, assumedMasterState } = row;
  const key = keyOf(newDocumentState, names);
  const assumed: Assumed =
    assumedMasterState === undefined || assumedMasterState._deleted ? null : { value: toValue(assumedMasterState) };
  if (newDocumentState._deleted) return { row, mutation: { op: "delete", key, assumed } };
  return { row, mutation: { op: "put", key, value: toValue(newDocumentState), assumed } };
}

function judge(write: Write, result: MutationResult | undefined, names: DocumentNames): WriteOutcome {
  switch (result?.status) {
    case "applied":
    case "duplicate":
      return { taken: true };
    case "gone":
      return { conflict: whatWasThere(write.row) };
    case "conflict":
      return judgeConflict(write, result, names);
    default:
      return { rejected: result?.why ?? "invalid" };
  }
}

function judgeConflict(write: Write, { current, version }: MutationResult, names: DocumentNames): WriteOutcome {
  if (version === 0) return { conflict: whatWasThere(write.row) };
  if (current === undefined) {
    if (!write.isAlone) return { again: { ...write, isAlone: true } };
    throw new PersistError("database", "push: a conflict came without what is there; push again", {
      outcome: "rejected",
      retryable: true,
    });
  }
  if (current.deleted) return { conflict: whatWasThere(write.row) };
  const document = toDocument(current.key, current.value, names);
  if (document === undefined) return { rejected: "invalid" };
  const { mutation } = write;
  const isForeign = !(names.primaryPath in (current.value as object));
  if (!isForeign || write.isWithoutPrimary || mutation.assumed === null) return { conflict: document };
  // Written by something else than RxDB, and perhaps just what was assumed: only its key holds the primary key.
  const { [names.primaryPath]: _, ...value } = mutation.assumed.value as Record<string, unknown>;
  return { again: { ...write, mutation: { ...mutation, assumed: { value } }, isWithoutPrimary: true } };
}

/** A deleted record has no value. */
function whatWasThere({ assumedMasterState, newDocumentState }: PushRow): RxdbDocument {
  return asDeleted(assumedMasterState ?? newDocumentState);
}

function* inBatches(writes: readonly Write[]): Generator<readonly Write[]> {
  let batch: Write[] = [];
  let bytes = 0;
  for (const write of writes) {
    const size = bytesOf(write.mutation);
    const isFull = batch.length === DEFAULT_SYNC_LIMITS.maxMutations || bytes + size > DEFAULT_SYNC_LIMITS.maxPushBytes;
    if (batch.length > 0 && (isFull || write.isAlone || batch[0]?.isAlone)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(write);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** With room for the number and the brackets. */
function bytesOf(mutation: Unnumbered): number {
  return new TextEncoder().encode(JSON.stringify(mutation)).length + 32;
}

function refuse(_: RxdbDocument, why: RejectedReason): never {
  throw new ValidationError(
    `push: the server can never take one of the documents (${why}); leave it out with a push modifier, or give onRejected`,
    { outcome: "rejected" },
  );
}
