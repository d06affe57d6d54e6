import type { Param } from "../driver.ts";
import { PersistError, type PersistErrorOptions, ValidationError } from "../errors.ts";
import { checkKey } from "../sql/key.ts";
import type { ProfileInput } from "./profile.ts";
import type { ProfileCall, ProfileCalls } from "./profile-call.ts";

/**
 * The tenant that confines a call, for its statement; null for none.
 *
 * @throws PersistError with code `forbidden` when the call names another tenant than the repository
 * @throws ValidationError with row-level security, when there is none
 */
export function tenantOf(calls: ProfileCalls, call: ProfileCall): Param {
  const tenant = given(calls, call);
  if (tenant === undefined && calls.options.rls) {
    throw new ValidationError(`${call.operation}: with row-level security every call needs a tenant`);
  }
  return tenant ?? null;
}

/**
 * The same for a call that writes documents: without a tenant it is in that of each document.
 *
 * @throws PersistError with code `forbidden` when a document is not of the tenant
 */
export function tenantOfDocuments(calls: ProfileCalls, call: ProfileCall, profiles: readonly ProfileInput[]): Param {
  const tenant = given(calls, call);
  for (const { tenant_id } of profiles) {
    if (tenant !== undefined && tenant_id !== tenant) throw otherTenant(call.operation, { outcome: "not-sent" });
    if (tenant_id === undefined && calls.options.rls) {
      throw new ValidationError(`${call.operation}: with row-level security every profile needs a tenant_id`);
    }
  }
  return tenant ?? null;
}

/** A write met a profile, a document or a call of another tenant. */
export function otherTenant(operation: string, options: PersistErrorOptions): PersistError {
  const message = `${operation}: the profile belongs to another tenant; an id and its tenant_id stay together`;
  return new PersistError("forbidden", message, options);
}

/**
 * Under row-level security a row of another tenant is invisible, and writing over it fails in one of two ways: the policy
 * refuses the new row (42501), or the invisible one has the key (23505).
 */
export function explainRls(calls: ProfileCalls, call: ProfileCall, error: unknown): unknown {
  if (!calls.options.rls || !(error instanceof PersistError)) return error;
  const { sqlstate, outcome } = error;
  if (sqlstate !== "42501" && sqlstate !== "23505") return error;
  return otherTenant(call.operation, { outcome, sqlstate, cause: error });
}

function given({ options: { tenant: own } }: ProfileCalls, { operation, options }: ProfileCall): string | undefined {
  const asked = options?.tenant;
  if (asked !== undefined) checkKey(asked, `${operation}: tenant`);
  if (own === undefined || asked === undefined || asked === own) return asked ?? own;
  throw new PersistError("forbidden", `${operation}: the repository is confined to another tenant`, {
    outcome: "not-sent",
  });
}
