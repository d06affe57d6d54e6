import { ValidationError } from "../errors.ts";
import { decodeOpaque, encodeOpaque } from "../sql/opaque.ts";

/** The last record of a page: the next one begins behind it. */
export interface SearchPosition {
  readonly rank: number;
  readonly key: string;
}

const VERSION = 1;
/** A key of 1,024 bytes and a store's name, at most six times as long when they are escaped, as base64. */
const MAX_LENGTH = 10_000;

/** base64url of `{"v":1,"s":store,"r":rank,"k":key}`. */
export function encodeSearchCursor({ rank, key }: SearchPosition, store: string): string {
  return encodeOpaque({ v: VERSION, s: store, r: rank, k: key });
}

/** @throws ValidationError when it is damaged, of a version that this code does not know, or of another store */
export function decodeSearchCursor(cursor: string, store: string): SearchPosition {
  const { v, s, r, k } = decodeOpaque(cursor, MAX_LENGTH);
  if (v !== VERSION || typeof r !== "number" || typeof k !== "string" || k === "") {
    throw new ValidationError("records.search: after must be the cursor of the page before, as it was given");
  }
  if (s === store) return { rank: r, key: k };
  throw new ValidationError("records.search: after is the cursor of another store; begin without one");
}
