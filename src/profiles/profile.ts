import type { Row } from "../driver.ts";
import { ValidationError } from "../errors.ts";
import { toJson } from "../sql/json.ts";
import { checkKey } from "../sql/key.ts";

/** The largest profile document that is accepted unless told otherwise, in bytes of JSON. */
export const DEFAULT_MAX_PROFILE_BYTES = 1024 * 1024;

/** A PSON5 document. What is not named here is kept as it is. */
export interface PsonProfile extends ProfileLike {
  readonly metadata?: PsonMetadata;
  readonly [part: string]: unknown;
}

/**
 * The least that a document has, for types of an application's own: those of `@pson5/core-types` fit. A `tenant_id` that is
 * undefined is left out.
 */
export interface ProfileLike {
  readonly profile_id: string;
  readonly user_id: string;
  readonly tenant_id?: string | undefined;
  readonly metadata?: { readonly revision?: number | undefined } | undefined;
}

/** What the calls that write take. */
export type ProfileInput = PsonProfile | ProfileLike;

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
  profile: ProfileInput,
  what: string,
  maxBytes: number = DEFAULT_MAX_PROFILE_BYTES,
): string {
  if (!isObject(profile)) throw new ValidationError(`${what}: a profile must be an object`);
  const { tenant_id, ...rest } = profile;
  checkKey(profile.profile_id, `${what}: profile_id`);
  checkKey(profile.user_id, `${what}: user_id`);
  if (tenant_id !== undefined) checkKey(tenant_id, `${what}: tenant_id`);
  if (profile.metadata !== undefined && !isObject(profile.metadata)) {
    throw new ValidationError(`${what}: metadata must be an object`);
  }
  return toJson(tenant_id === undefined ? rest : profile, `${what}: profile`, maxBytes);
}

/**
 * The revision that a document names, for callers that count themselves.
 *
 * @throws ValidationError unless it is a whole number from 1 to 2^31 - 1
 */
export function revisionOf(profile: ProfileInput, what: string): number {
  const revision = profile.metadata?.revision;
  if (isRevision(revision) && revision > 0) return revision;
  throw new ValidationError(
    `${what}: metadata.revision must be a whole number from 1 up; saveProfile counts by itself`,
  );
}

/** Whether it fits the column: a whole number from 0 to 2^31 - 1. */
export function isRevision(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_REVISION;
}

const MAX_REVISION = 2 ** 31 - 1;

/** The document as `saveProfile` stores it. */
export function withRevision(profile: PsonProfile, revision: number): StoredProfile {
  return { ...profile, metadata: { ...profile.metadata, revision } };
}

/** The document of a row. */
export function toProfile(row: Row): StoredProfile {
  const document = row["document"];
  // An executor may hand jsonb over as text; a document is never a JSON string, so there is no doubt.
  return (typeof document === "string" ? JSON.parse(document) : document) as StoredProfile;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
