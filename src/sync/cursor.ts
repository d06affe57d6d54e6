import { ValidationError } from "../errors.ts";
import type { Cursor } from "./replica.ts";

/** Where a reader of the feed stands: per lane the last seq it has seen. */
export interface Position {
  /** The store that it belongs to. */
  readonly store: string;
  /** Null while the store had no history at all. */
  readonly epoch: string | null;
  /** 64-bit numbers, as text. */
  readonly lanes: readonly (readonly [lane: number, seq: string])[];
}

/** What a reader may send; a full cursor of 64 lanes has about 2.5 KiB. */
const MAX_BYTES = 8 * 1024;
const MAX_LANES = 64;
const MAX_SEQ = 2n ** 63n - 1n;
const VERSION = 1;

/** base64url of `{"v":1,"e":epoch,"p":[[lane,"seq"],…],"s":store}`. */
export function encodeCursor({ store, epoch, lanes }: Position): Cursor {
  const bytes = new TextEncoder().encode(JSON.stringify({ v: VERSION, e: epoch, p: lanes, s: store }));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

/**
 * Reads a cursor that came from outside.
 *
 * @param store the store that is about to be read
 * @throws ValidationError when it is damaged, of a version that this code does not know, or of another store
 */
export function decodeCursor(cursor: Cursor, store: string): Position {
  const content = parse(cursor);
  if (content?.["v"] !== VERSION || !isEpoch(content["e"]) || !isLanes(content["p"])) {
    throw new ValidationError("cursor: damaged, or of another version; pull from the start, without one");
  }
  if (content["s"] !== store) {
    throw new ValidationError("cursor: it belongs to another store; keep one cursor for each store");
  }
  return { store, epoch: content["e"], lanes: content["p"] };
}

function parse(cursor: Cursor): Record<string, unknown> | undefined {
  if (typeof cursor !== "string" || cursor.length > MAX_BYTES || !/^[A-Za-z0-9_-]+$/.test(cursor)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const content: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof content === "object" && content !== null ? { ...content } : undefined;
  } catch {
    return undefined;
  }
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
