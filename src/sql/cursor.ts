import { ValidationError } from "../errors.ts";
import { decodeOpaque, encodeOpaque } from "./opaque.ts";

/** What a cursor goes through: the changes of sync, or the events of `readAll`. */
export type CursorKind = "sync" | "events";

/** Where a reader of the feed stands: per lane the last seq it has seen. */
export interface Position {
  readonly kind: CursorKind;
  /** The store that it belongs to. */
  readonly store: string;
  /** Null while the store had no history at all. */
  readonly epoch: string | null;
  /** 64-bit numbers, as text. */
  readonly lanes: readonly (readonly [lane: number, seq: string])[];
}

/** What a reader may send; a full cursor of 64 lanes has about 2.5 KiB. */
const MAX_LENGTH = 8 * 1024;
const MAX_LANES = 64;
const MAX_SEQ = 2n ** 63n - 1n;
const VERSION = 1;

/** base64url of `{"v":1,"k":kind,"e":epoch,"p":[[lane,"seq"],…],"s":store}`. */
export function encodeCursor({ kind, store, epoch, lanes }: Position): string {
  return encodeOpaque({ v: VERSION, k: kind, e: epoch, p: lanes, s: store });
}

/**
 * Reads a cursor that came from outside.
 *
 * @param kind what is about to be read
 * @param store of which store
 * @throws ValidationError when it is damaged, of a version that this code does not know, of another kind or another store
 */
export function decodeCursor(cursor: string, kind: CursorKind, store: string): Position {
  const content = decodeOpaque(cursor, MAX_LENGTH);
  if (content["v"] !== VERSION || !isEpoch(content["e"]) || !isLanes(content["p"])) {
    throw new ValidationError("cursor: damaged, or of another version; read from the start, without one");
  }
  if (content["k"] !== kind) {
    throw new ValidationError("cursor: it belongs to another kind of reading; sync and events each have their own");
  }
  if (content["s"] !== store) {
    throw new ValidationError("cursor: it belongs to another store; keep one cursor for each store");
  }
  return { kind, store, epoch: content["e"], lanes: content["p"] };
}

function isEpoch(value: unknown): value is string | null {
  return value === null || (typeof value === "string" && /^[0-9a-f-]{36}$/.test(value));
}

function isLanes(value: unknown): value is [number, string][] {
  return Array.isArray(value) && value.every(isLane) && new Set(value.map(([lane]) => lane)).size === value.length;
}

function isLane(value: unknown): value is [number, string] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [lane, seq]: unknown[] = value;
  return (
    Number.isInteger(lane) &&
    Number(lane) >= 0 &&
    Number(lane) < MAX_LANES &&
    typeof seq === "string" &&
    /^\d{1,19}$/.test(seq) &&
    BigInt(seq) <= MAX_SEQ
  );
}
