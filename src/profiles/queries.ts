import { quoteIdentifier } from "../sql/identifier.ts";

export interface ProfileNames {
  /** Default `public`. */
  readonly schema: string;
  /** Default `pson_`. */
  readonly tablePrefix: string;
}

/**
 * The text of each statement of the repository. What an operation does is written in the functions of the migrations, so that
 * every one of them is one statement. `tenant` is null, or confines the call to it; lists and documents are JSON as text.
 */
export interface ProfileQueries {
  /** `$1` profile ids, `$2` tenant, `$3` revisions that need no document, as a list or 'any'; or null. */
  readonly readProfiles: string;
  /** `$1` user id, `$2` tenant, `$3` whether with documents. */
  readonly findProfiles: string;
  /** `$1` user id, `$2` tenant. */
  readonly readLatestProfile: string;
  /** `$1` profile id, `$2` tenant. */
  readonly listRevisions: string;
  /** `$1` profile id, `$2` document, `$3` expected revision, 'present' or null, `$4` context, `$5` tenant, `$6` key or null. */
  readonly saveProfile: string;
  /** `$1` documents, `$2` expected revision, `$3` context, `$4` tenant, `$5` key or null. */
  readonly saveProfiles: string;
  /** `$1` profile id, `$2` expected revision, `$3` tenant. */
  readonly deleteProfile: string;
  /** `$1` profile id, `$2` document, `$3` context, `$4` tenant. */
  readonly putProfile: string;
  /** `$1` profile id, `$2` revision, `$3` document, `$4` context, `$5` tenant. */
  readonly putRevision: string;
  /** `$1` user id, `$2` profile id, `$3` tenant. */
  readonly putIndex: string;
  /** `$1` profile id, `$2` tenant, `$3` entry behind which to go on or null, `$4` newest first, `$5` limit. */
  readonly listAudit: string;
  /** `$1` profile id, `$2` tenant. */
  readonly verifyAudit: string;
}

/** @throws ValidationError when a name cannot be an identifier */
export function profileQueries(names: ProfileNames): ProfileQueries {
  const schema = quoteIdentifier(names.schema, "schema");
  const call = (columns: string, name: string, args: number) => {
    const named = quoteIdentifier(`${names.tablePrefix}${name}`, "tablePrefix");
    const parameters = Array.from({ length: args }, (_, index) => `$${index + 1}`).join(", ");
    return `select ${columns} from ${schema}.${named}(${parameters})`;
  };

  return {
    readProfiles: call("profile_id, revision, document", "read_profiles", 3),
    findProfiles: call("profile_id, revision, document, last_saved, saved_at", "find_profiles", 3),
    readLatestProfile: call("profile_id, revision, document", "read_latest_profile", 2),
    listRevisions: call("revision", "list_revisions", 2),
    saveProfile: call("status, revision", "save_profile", 6),
    saveProfiles: call("status, revision", "save_profiles", 5),
    deleteProfile: call("status, revision", "delete_profile", 3),
    putProfile: call("status", "put_profile", 4),
    putRevision: call("status", "put_revision", 5),
    putIndex: call("status", "put_index", 3),
    listAudit: call("entry, chain, revision, action, recorded_at, payload, entry_hash", "list_audit", 5),
    verifyAudit: call("valid, entries, bad_entry, why", "verify_audit", 2),
  };
}
