import type { FailedAttempt } from "../driver/retry.ts";
import { type EventOf, type EventPattern, type Listeners, listeners } from "../listeners.ts";
import type { ProfileContext } from "./profile-call.ts";

/**
 * What a repository tells those who listen: of calls that succeeded, of conflicts, and of attempts that failed. Ids are data, so keep
 * them out of public logs.
 */
export type ProfileEvent =
  | ProfileSaveEvent
  | ProfileLoadEvent
  | ProfileDeleteEvent
  | ProfileConflictEvent
  | ProfileFindEvent
  | ProfileAuditEvent
  | ProfileRetryEvent;

/** `profile:save` and the like, `profile:*`, or `*`. */
export type ProfileEventPattern = EventPattern<ProfileEvent>;

/** The events that a pattern stands for. */
export type ProfileEventOf<Pattern extends ProfileEventPattern> = EventOf<ProfileEvent, Pattern>;

interface OfCall {
  /** The method: `saveProfile`, `loadMany` … */
  readonly operation: string;
  /** The very object that the call was given. */
  readonly context: ProfileContext | undefined;
}

/** Once per profile. A save that was found done under its idempotency key is `repeated`. */
export interface ProfileSaveEvent extends OfCall {
  readonly type: "profile:save";
  readonly profileId: string;
  readonly revision: number;
  readonly status: "created" | "saved" | "repeated";
}

/** Once per profile that was asked for. */
export interface ProfileLoadEvent extends OfCall {
  readonly type: "profile:load";
  readonly profileId: string;
  /** 0 when there is no such profile. */
  readonly revision: number;
}

/** A profile was there and is gone. */
export interface ProfileDeleteEvent extends OfCall {
  readonly type: "profile:delete";
  readonly profileId: string;
  /** The last one it had. */
  readonly revision: number;
}

/** A write was refused because the profile was not at the expected revision. */
export interface ProfileConflictEvent extends OfCall {
  readonly type: "profile:conflict";
  readonly profileId: string;
  /** The revision that is there; 0 when there is no profile. */
  readonly currentRevision: number;
}

/** The look-up by user was read or written. */
export interface ProfileFindEvent extends OfCall {
  readonly type: "profile:find";
  readonly userId: string;
  /** How many profiles came back. */
  readonly found: number;
}

/** The audit log of a profile was read, verified or, by `writeProfileRevision`, added to. */
export interface ProfileAuditEvent extends OfCall {
  readonly type: "profile:audit";
  readonly profileId: string;
  readonly entries: number;
}

/** An attempt failed, and another one follows. Only over a driver. */
export interface ProfileRetryEvent extends OfCall, FailedAttempt {
  readonly type: "profile:retry";
  readonly operation: string;
}

export function profileListeners(): Listeners<ProfileEvent> {
  return listeners<ProfileEvent>(patterns, "repository.on");
}

const patterns: ReadonlySet<ProfileEventPattern> = new Set<ProfileEventPattern>([
  "profile:save",
  "profile:load",
  "profile:delete",
  "profile:conflict",
  "profile:find",
  "profile:audit",
  "profile:retry",
  "profile:*",
  "*",
]);
