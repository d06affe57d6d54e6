import { ValidationError } from "../errors.ts";
import { decodeOpaque, encodeOpaque } from "../sql/opaque.ts";

/** In which order a log is read. */
export type AuditOrder = "newest" | "oldest";

/** The last entry of a page: the next one begins behind it. */
export interface AuditPosition {
  readonly profileId: string;
  readonly order: AuditOrder;
  /** A 64-bit number, as text. */
  readonly entry: string;
}

const VERSION = 1;
/** A profile id of 1,024 bytes, at most six times as long when it is escaped, as base64. */
const MAX_LENGTH = 9000;

/** base64url of `{"v":1,"p":profileId,"o":order,"e":"entry"}`. */
export function encodeAuditCursor({ profileId, order, entry }: AuditPosition): string {
  return encodeOpaque({ v: VERSION, p: profileId, o: order, e: entry });
}

/**
 * The entry behind which a page begins, from a cursor that came from outside.
 *
 * @throws ValidationError when it is damaged, of a version that this code does not know, of another profile or another order
 */
export function decodeAuditCursor(cursor: string, profileId: string, order: AuditOrder): string {
  const { v, p, o, e } = decodeOpaque(cursor, MAX_LENGTH);
  if (v !== VERSION || typeof e !== "string" || !/^[1-9]\d{0,17}$/.test(e)) {
    throw new ValidationError("listAuditEntries: cursor is damaged, or of another version; read from the start");
  }
  if (p === profileId && o === order) return e;
  throw new ValidationError(
    "listAuditEntries: cursor belongs to another profile or another order; read from the start",
  );
}
