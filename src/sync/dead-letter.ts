import type { Row } from "../driver.ts";
import { toDate } from "../sql/time.ts";

/** An edit that was put aside: the remote will never take it as it is, or it lost against the remote's state. */
export interface DeadLetter {
  readonly id: string;
  readonly operation: "put" | "delete" | "append" | "kv.set" | "kv.delete";
  readonly kind: "record" | "kv" | "event";
  /** For an event its id. */
  readonly key: string;
  /** What was to be sent: `value`, or for an event `stream` and `event`. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** `conflict` and `gone` for an edit that lost; else what the remote said: `invalid`, `too-large`, `scope`, `id-taken` … */
  readonly reason: string;
  /** How often it was sent. */
  readonly attempts: number;
  readonly createdAt: Date;
}

export function toDeadLetter(row: Row): DeadLetter {
  return {
    id: String(row["id"]),
    operation: row["operation"] as DeadLetter["operation"],
    kind: row["kind"] as DeadLetter["kind"],
    key: String(row["key"]),
    payload: row["payload"] as DeadLetter["payload"],
    reason: String(row["reason"]),
    attempts: Number(row["attempts"]),
    createdAt: toDate(row["created_at"]),
  };
}
