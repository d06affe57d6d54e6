import { ValidationError } from "../errors.ts";
import { decodeOpaque, encodeOpaque } from "./opaque.ts";

/** What a cursor goes through: the changes of sync, or the events of `readAll`. A token only names a place. */
export type CursorKind = "sync" | "events" | "token";

/** Where a reader of the feed stands: per lane the last seq it has seen. */
export interface Position {
  readonly kind: CursorKind;
  /** The store that it belongs to. */
  readonly store: string;
  /** Null while the store had no history at all. */
  readonly epoch: string | null;
  readonly lanes: readonly LanePosition[];
  /** With what the keys and streams that are read begin. Default empty: all of them. */
  readonly scope?: string | undefined;
}

/**
 * 64-bit numbers, as text. `floor` is that of the lane when the reader began below it: the tombstones that were collected up to
 * there are of things that it never had.
 */
export type LanePosition = readonly [lane: number, seq: string] | readonly [lane: number, seq: string, floor: string];

/** What a reader may send; a full cursor of 64 lanes has about 5 KiB. */
const MAX_LENGTH = 16 * 1024;
const MAX_LANES = 64;
const MAX_SEQ = 2n ** 63n - 1n;
const VERSION = 1;

/** base64url of `{"v":1,"k":kind,"e":epoch,"p":[[lane,"seq"],…],"s":store}`, with `"c":scope` where there is one. */
export function encodeCursor({ kind, store, epoch, lanes, scope = "" }: Position): string {
  return encodeOpaque({ v: VERSION, k: kind, e: epoch, p: lanes, s: store, ...(scope !== "" && { c: scope }) });
}

/**
 * Reads a cursor that came from outside. Whether its scope is the one that is asked for, the caller decides.
 *
 * @param kind what is about to be read
 * @param store of which store
 * @throws ValidationError when it is damaged, of a version that this code does not know, of another kind or another store
 */
export function decodeCursor(cursor: string, kind: CursorKind, store: string): Required<Position> {
  const position = decode(cursor, kind);
  if (position.store === store) return position;
  throw new ValidationError("cursor: it belongs to another store; keep one cursor for each store");
}

/**
 * How far a cursor of sync has got in each lane, and in which history: what a device needs to know whether it has pulled what it had
 * pushed, and whether it is still the same remote. Seqs are 64-bit numbers as text.
 *
 * @throws ValidationError when it is damaged, of a version that this code does not know, or no cursor of sync
 */
export function cursorPlace(cursor: string): CursorPlace {
  const { epoch, lanes } = decode(cursor, "sync");
  return { epoch, lanes: lanes.map(([lane, seq]) => [lane, seq]) };
}

export interface CursorPlace {
  /** Null while there was no history at all. */
  readonly epoch: string | null;
  readonly lanes: readonly (readonly [lane: number, seq: string])[];
}

/**
 * Whether who stands at `place` has got as far as `wanted` in every lane, whatever the history: the epoch of a cursor is not that of the
 * clock, but made of it and of where it is kept.
 */
export function hasPassed(place: Pick<Position, "lanes">, wanted: Pick<Position, "lanes">): boolean {
  const reached = new Map(place.lanes.map(([lane, seq]) => [lane, BigInt(seq)]));
  return wanted.lanes.every(([lane, seq]) => (reached.get(lane) ?? 0n) >= BigInt(seq));
}

function decode(cursor: string, kind: CursorKind): Required<Position> {
  const { v, k, e: epoch, p: lanes, s: store, c: scope = "" } = decodeOpaque(cursor, MAX_LENGTH);
  if (
    v !== VERSION ||
    !isEpoch(epoch) ||
    !isLanes(lanes) ||
    typeof scope !== "string" ||
    (k === kind && typeof store !== "string")
  ) {
    throw new ValidationError("cursor: damaged, or of another version; read from the start, without one");
  }
  if (k !== kind) {
    throw new ValidationError("cursor: it belongs to another kind of reading; sync and events each have their own");
  }
  return { kind, store: String(store), epoch, lanes, scope };
}

function isEpoch(value: unknown): value is string | null {
  return value === null || (typeof value === "string" && /^[0-9a-f-]{36}$/.test(value));
}

function isLanes(value: unknown): value is LanePosition[] {
  return Array.isArray(value) && value.every(isLane) && new Set(value.map(([lane]) => lane)).size === value.length;
}

function isLane(value: unknown): value is LanePosition {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) return false;
  const [lane, ...seqs]: unknown[] = value;
  return Number.isInteger(lane) && Number(lane) >= 0 && Number(lane) < MAX_LANES && seqs.every(isSeq);
}

function isSeq(value: unknown): value is string {
  return typeof value === "string" && /^\d{1,19}$/.test(value) && BigInt(value) <= MAX_SEQ;
}
