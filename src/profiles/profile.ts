import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";

/** The largest profile document that is accepted unless told otherwise, in bytes of JSON. */
export const DEFAULT_MAX_PROFILE_BYTES = 1024 * 1024;

/** A PSON5 document. What is not named here is kept as it is. */
export interface PsonProfile {
  readonly profile_id: string;
  readonly user_id: string;
  readonly tenant_id?: string;
  readonly metadata?: PsonMetadata;
  readonly [part: string]: unknown;
}

export interface PsonMetadata {
  /** Set by `saveProfile`: 1 for the first save, one more with each. What the caller gives is replaced. */
  readonly revision?: number;
  readonly [name: string]: unknown;
}

/** A document as it came out of the database. */
export interface StoredProfile extends PsonProfile {
  readonly metadata: PsonMetadata & { readonly revision: number };
}

/**
 * The JSON text of a document that can be stored: `profile_id`, `user_id` and, where given, `tenant_id` are keys (1 to 1,024
 * bytes), `metadata` is an object where given, and nothing in it would be lost or changed by JSON.
 *
 * @param what the call, for the message
 * @throws ValidationError
 */
export function profileToJson(
  profile: PsonProfile,
  what: string,
  maxBytes: number = DEFAULT_MAX_PROFILE_BYTES,
): string {
  if (!isObject(profile)) throw new ValidationError(`${what}: a profile must be an object`);
  checkKey(profile.profile_id, `${what}: profile_id`);
  checkKey(profile.user_id, `${what}: user_id`);
  if (profile.tenant_id !== undefined) checkKey(profile.tenant_id, `${what}: tenant_id`);
  if (profile.metadata !== undefined && !isObject(profile.metadata)) {
    throw new ValidationError(`${what}: metadata must be an object`);
  }
  return toJson(profile, `${what}: profile`, maxBytes);
}

/** The document as `saveProfile` stores it. */
export function withRevision(profile: PsonProfile, revision: number): StoredProfile {
  return { ...profile, metadata: { ...profile.metadata, revision } };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
