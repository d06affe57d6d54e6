import type { Row } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import { checkLimit } from "../sql/limit.ts";
import { toDate } from "../sql/time.ts";
import { type AuditOrder, decodeAuditCursor, encodeAuditCursor } from "./audit-cursor.ts";
import type { ProfileCall, ProfileCallOptions, ProfileCalls } from "./profile-call.ts";
import { said } from "./profile-reads.ts";
import { tenantOf } from "./tenant.ts";

/** One entry of the log of a profile. */
export interface AuditEntry {
  /** 1, 2, 3 … without holes, for as long as the profile id is known. */
  readonly entry: number;
  /** 1 for the first life of the profile; one more after each deletion. */
  readonly chain: number;
  readonly revision: number;
  /** `save` counted the revision itself; with `write` the caller did. */
  readonly action: "save" | "write" | "delete";
  readonly recordedAt: Date;
  /** What may be personal; null since the profile was deleted. */
  readonly payload: AuditPayload | null;
  /** SHA-256 over the entry and the hash before it, hexadecimal. */
  readonly hash: string;
}

export interface AuditPayload {
  /** Top-level members of the document that differ from the one before. */
  readonly changed_paths?: readonly string[];
  readonly actor?: string;
  readonly request_id?: string;
  readonly trace_id?: string;
  /** SHA-256 of the document as the database writes it. */
  readonly document_hash?: string;
}

export interface AuditListOptions extends ProfileCallOptions {
  /** From 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** From the page before, with the same order. */
  readonly cursor?: string | null | undefined;
  /** Default `newest`. */
  readonly order?: AuditOrder | undefined;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** For the next page; null when this was the last one. */
  readonly cursor: string | null;
}

/**
 * | why | |
 * |---|---|
 * | `missing` | there is no entry of that number |
 * | `link` | it is not tied to the entry before |
 * | `entry` | one of its own fields was changed |
 * | `payload` | its payload was changed |
 * | `erased` | its payload is gone, though the profile was not deleted |
 * | `head` | the log was cut off at that number, or the profile was written without it |
 */
export type AuditFault = "missing" | "link" | "entry" | "payload" | "erased" | "head";

export type AuditVerdict =
  | { readonly valid: true; readonly entries: number }
  | { readonly valid: false; readonly entries: number; readonly badEntry: number; readonly why: AuditFault };

export interface AuditLog {
  /**
   * A page of the log. Paging neither skips nor repeats an entry, whoever saves meanwhile.
   *
   * @throws ValidationError for a limit or cursor that does not fit
   */
  listAuditEntries(profileId: string, options?: AuditListOptions): Promise<AuditPage>;
  /**
   * Computes the hashes of the whole log anew, in the database, up to the first entry that does not fit. It finds what was
   * changed or removed behind the repository's back, unless whoever did it computed every later hash anew as well: keep the
   * newest `hash` elsewhere to notice that too.
   */
  verifyAuditChain(profileId: string, options?: ProfileCallOptions): Promise<AuditVerdict>;
}

export function auditLog(calls: ProfileCalls): AuditLog {
  return {
    async listAuditEntries(profileId, options = {}) {
      const { order = "newest", cursor } = options;
      const call: ProfileCall = { operation: "listAuditEntries", query: "listAudit", options };
      checkKey(profileId, "listAuditEntries: profile_id");
      const limit = checkLimit(options.limit, "listAuditEntries");
      if (order !== "newest" && order !== "oldest") {
        throw new ValidationError('listAuditEntries: order must be "newest" or "oldest"');
      }
      const after = cursor === undefined || cursor === null ? null : decodeAuditCursor(cursor, profileId, order);
      // One more than asked for tells whether there is a next page.
      const params = [profileId, tenantOf(calls, call), after, order === "newest", limit + 1];
      const rows = await calls.ask(call, params);
      const page = rows.slice(0, limit);
      calls.emit({ type: "profile:audit", ...said(call), profileId, entries: page.length });
      const last = rows.length > limit ? page.at(-1) : undefined;
      return {
        entries: page.map(toEntry),
        cursor: last ? encodeAuditCursor({ profileId, order, entry: String(last["entry"]) }) : null,
      };
    },

    async verifyAuditChain(profileId, options) {
      const call: ProfileCall = { operation: "verifyAuditChain", query: "verifyAudit", options };
      const params = [checkKey(profileId, "verifyAuditChain: profile_id"), tenantOf(calls, call)];
      const [row] = await calls.ask(call, params);
      const entries = Number(row?.["entries"]);
      calls.emit({ type: "profile:audit", ...said(call), profileId, entries });
      if (row?.["valid"] === true) return { valid: true, entries };
      return { valid: false, entries, badEntry: Number(row?.["bad_entry"]), why: row?.["why"] as AuditFault };
    },
  };
}

function toEntry(row: Row): AuditEntry {
  const payload = row["payload"];
  return {
    entry: Number(row["entry"]),
    chain: Number(row["chain"]),
    revision: Number(row["revision"]),
    action: row["action"] as AuditEntry["action"],
    recordedAt: toDate(row["recorded_at"]),
    payload: (typeof payload === "string" ? JSON.parse(payload) : payload) as AuditPayload | null,
    hash: String(row["entry_hash"]),
  };
}
