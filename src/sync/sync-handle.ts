import type { CallOptions } from "../driver.ts";
import type { SyncReport } from "../stores/sync-event.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { SyncStatus } from "./sync-status.ts";

/** A sync that goes on by itself. */
export interface SyncHandle {
  /**
   * Syncs now, also while paused: resolves when a round that began after this call has ended. Those who ask while a round is
   * on its way share the next. `signal` and `timeoutMs` end the wait, not the round.
   *
   * @throws PersistError what the round has failed with; code `closed` after `stop`
   */
  now(options?: CallOptions): Promise<SyncReport>;
  /** Ends the present round at its next step, and begins none until `resume`. */
  pause(): void;
  resume(): void;
  /** One statement. */
  status(options?: CallOptions): Promise<SyncStatus>;
  /** Ends it for good: no timer and no listener is left. Resolves when the last step has ended. Harmless twice. */
  stop(): Promise<void>;
  /** The edits that were put aside, the oldest first. */
  failed(options?: FailedOptions): Promise<readonly DeadLetter[]>;
  /**
   * Makes dead letters edits again, of today: all, or those with these ids. They overwrite what is here now. How many there
   * were.
   */
  redrive(ids?: readonly string[], options?: CallOptions): Promise<number>;
}

export interface FailedOptions extends CallOptions {
  /** 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
}
