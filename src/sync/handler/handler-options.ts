import type { SyncLimits } from "../limits.ts";
import type { Replica } from "../replica.ts";

/** What a request is about. */
export interface SyncAsk {
  readonly store: string;
  /** The prefix of keys and streams that was asked for. Undefined: all that the caller may see. */
  readonly scope: string | undefined;
  readonly access: "read" | "write";
}

/**
 * | decision | |
 * |---|---|
 * | `true` | yes, with the scope that was asked for |
 * | `false` | 403 |
 * | a grant | yes, within its scope |
 * | a `Response` | no, and this is the answer: 401 for one |
 */
export type SyncDecision = boolean | SyncGrant | Response;

export interface SyncGrant {
  /**
   * The prefix of keys and streams that the caller is confined to. A scope outside is answered with 403; a request without one
   * gets this one.
   */
  readonly scope?: string | undefined;
  /** Who calls. It reaches the option `replica` as it is. */
  readonly principal?: string | undefined;
}

/** What was granted. */
export interface SyncAccess extends SyncAsk {
  readonly principal: string | undefined;
}

export interface SyncHandlerOptions {
  /** The replica of one request, for what was granted. */
  readonly replica: (request: Request, access: SyncAccess) => Replica | Promise<Replica>;
  readonly authorize: (request: Request, ask: SyncAsk) => SyncDecision | Promise<SyncDecision>;
  /** Told to clients, and kept for bodies: larger pushes are refused with 413. Default: those of the replica, where it has some. */
  readonly limits?: Partial<SyncLimits> | undefined;
  /**
   * Declares a store public: its pages may be kept by caches that callers share, such as a CDN, for so many seconds without asking
   * again; 0 for asking each time. Undefined for a store that is not, the default: every answer is `private`. So is one that was made
   * for one caller: within a scope that `authorize` set, or about a client.
   */
  readonly publicMaxAgeSeconds?: ((store: string) => number | undefined) | undefined;
  /** How often a waiting poke asks the database where the feed stands, in milliseconds. Default 1,000. */
  readonly pokeIntervalMs?: number | undefined;
  /**
   * How long a poke of this request may wait at most, in milliseconds: less where the platform ends a request sooner. Default, and at
   * most, 25 s.
   */
  readonly pokeWaitMs?: ((request: Request) => number) | undefined;
  /** After how long a stream of pokes ends, so that the client opens the next one, in milliseconds. Default 5 minutes. */
  readonly pokeStreamMs?: number | undefined;
  /**
   * The replica is not needed any more: after the answer was made or, for a stream of pokes, after it has ended. The place to
   * close its driver. Not waited for.
   */
  readonly release?: ((replica: Replica, request: Request) => unknown) | undefined;
  /** Called with each error that became an answer of class 5xx, or that ended a stream. */
  readonly report?: ((error: unknown, request: Request) => void) | undefined;
}
